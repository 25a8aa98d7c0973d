# A task of the demo: tests that take their time, and print how far they are.
for share in 10 20 30 40 50 60 70 80 90 100; do
  sleep 0.8
  printf 'tests/slow ........ [%3d%%]\n' "$share"
done
printf '\033[32m80 passed\033[0m\n'
