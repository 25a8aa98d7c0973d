# The demo's test runner: prints what one that watches the files would print, again and again.
run=0
while :; do
  run=$((run + 1))
  printf '\033[1mrun %s\033[0m, 24 tests\n' "$run"
  for file in login upload search export board pages; do
    sleep 0.4
    printf 'tests/test_%s.py \033[32m....\033[0m\n' "$file"
  done
  if [ $((run % 4)) = 2 ]; then
    printf '\033[31mFAILED\033[0m tests/test_upload.py::test_upload_resumes: the server closed too early\n'
    printf '\033[31m1 failed, 23 passed\033[0m\n'
  else
    printf '\033[32m24 passed\033[0m\n'
  fi
  sleep 4
done
