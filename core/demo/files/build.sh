# The demo's build: three steps, then it has ended as it should.
set -e
mkdir -p build
for page in index search export; do
  sleep 0.3
  printf '<h1>%s</h1>\n' "$page" > "build/$page.html"
  printf 'built %s.html\n' "$page"
done
printf '\033[32m3 pages built\033[0m\n'
