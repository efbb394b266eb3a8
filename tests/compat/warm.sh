#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the dependencies of the official clients (Maven, Go modules) and compiles the client programs into a folder.
#
#   warm.sh [BUILD_FOLDER [java] [go]]    build/compat when no folder is given; both clients when none is named
#
# Repeating it costs well under a second while nothing has changed. Two calls at once wait for each other.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/compat}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- java go

mkdir -p "$build"
build=$(cd "$build" && pwd)
exec 9>"$build/.lock"
flock 9

need() {
  command -v "$1" >/dev/null || { echo "warm.sh: $1 is missing: $2" >&2; exit 1; }
}

# A registry may fail for a moment; a wrong pom.xml or go.mod fails three times.
with_retries() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    echo "warm.sh: try $try of 3 failed: $*" >&2
  done
  return 1
}

# True when the stamp file $1 holds $2.
is_current() {
  [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

resolve_classpath() {
  local out=$build/java/classpath.txt stamp
  stamp=$(sha256sum <"$here/java/pom.xml")
  if is_current "$build/java/pom.stamp" "$stamp" && all_jars_exist "$out"; then return; fi
  # Maven runs on a copy: it must not write a target folder into the source tree.
  cp "$here/java/pom.xml" "$build/java/pom.xml"
  with_retries mvn -B -q -ntp -Dstyle.color=never -f "$build/java/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.3.0:build-classpath "-Dmdep.outputFile=$out"
  echo "$stamp" >"$build/java/pom.stamp"
}

all_jars_exist() {
  [ -s "$1" ] || return 1
  local jar
  while read -r jar; do
    [ -f "$jar" ] || return 1
  done < <(tr ':' '\n' <"$1")
}

compile_java() {
  local stamp classes=$build/java/classes
  stamp=$(cd "$here/java" && find . -name '*.java' -print0 | sort -z | xargs -0 cat pom.xml | sha256sum)
  if is_current "$build/java/classes.stamp" "$stamp"; then return; fi
  rm -rf "$classes"
  mkdir -p "$classes"
  find "$here/java" -name '*.java' -print0 |
    xargs -0 javac --release 17 -proc:none -Xlint:all,-deprecation,-processing,-classfile,-path,-serial -Werror \
      -cp "$(cat "$build/java/classpath.txt")" -d "$classes"
  echo "$stamp" >"$build/java/classes.stamp"
}

build_java() {
  need javac "install openjdk-17-jdk-headless"
  need java "install openjdk-17-jdk-headless"
  need mvn "install maven"
  mkdir -p "$build/java"
  resolve_classpath
  compile_java
}

build_go() {
  need go "install golang-go"
  mkdir -p "$build/go"
  # The module file and go.sum are committed, so the build may not change them. VCS stamps would tie it to a checkout.
  (cd "$here/go" && with_retries env GOFLAGS=-mod=readonly go build -buildvcs=false -o "$build/go/compat" .)
}

for part in "$@"; do
  case $part in
    java) build_java ;;
    go) build_go ;;
    *) echo "warm.sh: unknown part '$part'" >&2; exit 2 ;;
  esac
done
