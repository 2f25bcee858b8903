#include "cli/starters.h"

#include <array>

#include "base/text.h"

namespace pratique::cli {

namespace {

// Every kind is the same Dockerfile with other words: what is built, what is copied, what starts.
struct Kind {
  std::string_view name;
  std::string_view summary;
  std::string_view base;
  std::string_view build;      // of the first stage; "" for one stage
  std::string_view install;    // in the last stage, joined to the RUN that makes the directories
  std::string_view copies;     // in the last stage
  std::string_view variables;  // further ones
  std::string_view start;      // EXPOSE, ENTRYPOINT
  std::string_view program;    // the example's file name
  std::string_view example;
  std::string_view needs;  // the file with what to install; "" for none
  std::string_view needs_text;
};

constexpr std::string_view kVenvBuild = R"text(WORKDIR /app
COPY requirements.txt ./
RUN python3 -m venv /app/venv \
    && /app/venv/bin/pip install --no-cache-dir --requirement requirements.txt
)text";
constexpr std::string_view kVenvCopies = "COPY --from=build --chown=root:root /app/venv /app/venv\n";
constexpr std::string_view kVenvPath = " \\\n    PATH=/app/venv/bin:/usr/local/bin:/usr/bin:/bin";

constexpr std::string_view kPythonMain =
    R"text("""Reads what the configuration names below /safe_data, writes to /safe_outputs."""

import json
import pathlib
import sys


def main() -> int:
    config = pathlib.Path("/safe_data/config.json")
    settings = json.loads(config.read_text()) if config.exists() else {}
    inputs = [pathlib.Path("/safe_data") / name for name in settings.get("inputs", [])]
    lines = sum(len(path.read_text().splitlines()) for path in inputs)
    pathlib.Path("/safe_outputs/result.txt").write_text(f"{lines} lines in {len(inputs)} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
)text";

constexpr std::string_view kRMain =
    R"text(# Reads what the configuration names below /safe_data, writes to /safe_outputs.
config <- "/safe_data/config.dcf"
inputs <- if (file.exists(config)) read.dcf(config)[, "Input"] else character()
lines <- vapply(file.path("/safe_data", inputs), function(path) length(readLines(path)), integer(1))
writeLines(sprintf("%d lines in %d files", sum(lines), length(inputs)), "/safe_outputs/result.txt")
)text";

constexpr std::string_view kJuliaMain =
    R"text(# Reads what the configuration names below /safe_data, writes to /safe_outputs.
config = "/safe_data/inputs.txt"
inputs = isfile(config) ? readlines(config) : String[]
lines = sum(countlines(joinpath("/safe_data", name)) for name in inputs; init = 0)
write("/safe_outputs/result.txt", "$lines lines in $(length(inputs)) files\n")
)text";

constexpr std::string_view kNotebook = R"text({
 "cells": [
  {"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": ["print('hello')"]}
 ],
 "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
 "nbformat": 4,
 "nbformat_minor": 5
}
)text";

constexpr std::string_view kProcess = R"text(#!/bin/sh
# One process of a workflow: Nextflow calls it with its inputs and takes what it prints.
set -eu
wc -l "$@"
)text";

constexpr std::array<Kind, 7> kKinds = {{
    {"python", "a batch job in Python", "docker.io/library/python:3.12-slim-bookworm", kVenvBuild, "", kVenvCopies,
     kVenvPath, "ENTRYPOINT [\"python3\", \"/app/main.py\"]\n", "main.py", kPythonMain, "requirements.txt",
     "# One package a line, with its version: numpy==2.1.3\n"},
    {"pytorch", "a batch job with PyTorch on a GPU", "docker.io/pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime", "",
     "pip install --no-cache-dir --requirement /app/requirements.txt", "",
     " \\\n    HF_HUB_OFFLINE=1 \\\n    HF_HOME=/safe_data/huggingface", "ENTRYPOINT [\"python3\", \"/app/main.py\"]\n",
     "main.py", kPythonMain, "requirements.txt", "# One package a line, with its version: transformers==4.46.3\n"},
    {"r", "a batch job in R", "docker.io/rocker/r-ver:4.4.2", "", "", "", "",
     "ENTRYPOINT [\"Rscript\", \"/app/main.R\"]\n", "main.R", kRMain, "", ""},
    {"jupyter", "a notebook that is run from beginning to end", "quay.io/jupyter/minimal-notebook:2024-11-19", "", "",
     "", "",
     "ENTRYPOINT [\"jupyter\", \"nbconvert\", \"--to\", \"html\", \"--execute\", \"--output-dir\", \"/safe_outputs\", "
     "\"/app/main.ipynb\"]\n",
     "main.ipynb", kNotebook, "", ""},
    {"rstudio", "RStudio for work in a browser", "docker.io/rocker/rstudio:4.4.2", "", "", "", "",
     "EXPOSE 8787\nENTRYPOINT [\"/usr/lib/rstudio-server/bin/rserver\", \"--server-daemonize=0\", "
     "\"--auth-none=1\", \"--server-user=job\", \"--server-data-dir=/scratch\", "
     "\"--secure-cookie-key-file=/scratch/cookie\"]\n",
     "main.R", kRMain, "", ""},
    {"julia", "a batch job in Julia", "docker.io/library/julia:1.11.2-bookworm", "", "", "", "",
     "ENTRYPOINT [\"julia\", \"/app/main.jl\"]\n", "main.jl", kJuliaMain, "", ""},
    {"nextflow", "one process of a Nextflow workflow", "docker.io/library/python:3.12-slim-bookworm", "", "", "", "",
     "ENTRYPOINT [\"/app/process.sh\"]\n", "process.sh", kProcess, "", ""},
}};

const Kind* find_kind(std::string_view name) {
  for (const auto& kind : kKinds)
    if (kind.name == name) return &kind;
  return nullptr;
}

// D1 is the one check nobody can pass for others: the digest of today's image is not known to this program.
constexpr std::string_view kPin =
    "# pratique ignore=D1 reason: pin it before you submit: skopeo inspect --format '{{.Digest}}' docker://BASE\n";

std::string from(const Kind& kind, std::string_view stage) {
  auto text = replace_all(kPin, "BASE", kind.base) + "FROM " + std::string(kind.base);
  return text + (stage.empty() ? "" : " AS " + std::string(stage)) + "\n";
}

std::string dockerfile(const Kind& kind, const std::string& name) {
  std::string text = "# syntax=docker/dockerfile:1\n# " + name + ": " + std::string(kind.summary) + ".\n";
  if (!kind.build.empty()) text += from(kind, "build") + std::string(kind.build) + "\n";
  text += from(kind, "");
  text +=
      "LABEL org.opencontainers.image.title=\"" + name + "\" \\\n      org.opencontainers.image.version=\"0.1.0\" \\\n";
  text += "      org.opencontainers.image.base.name=\"" + std::string(kind.base) + "\"\n";
  text += "WORKDIR /app\n" + std::string(kind.copies);
  if (!kind.install.empty()) text += "COPY --chown=root:root --chmod=444 requirements.txt /app/\n";
  text += "COPY --chown=root:root --chmod=444 LICENSE /app/\n";
  text += "COPY --chown=root:root --chmod=555 " + std::string(kind.program) + " /app/\n";
  text +=
      "RUN mkdir -p /safe_data /safe_outputs /scratch \\\n    && useradd --create-home --shell /usr/sbin/nologin job";
  if (!kind.install.empty()) text += " \\\n    && " + std::string(kind.install);
  text += "\nENV TMP=/scratch \\\n    TMPDIR=/scratch" + std::string(kind.variables) + "\nUSER job\n";
  return text + std::string(kind.start);
}

constexpr std::string_view kDockerignore =
    R"text(# The build sees what is named here and nothing else: no data, no secrets, no history.
*
!LICENSE
)text";

constexpr std::string_view kWorkflow = R"text(name: image
on: [push]
permissions:
  contents: read
  packages: write
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - name: Check the Dockerfile
        run: |
          pratique lint --problem-matcher >matcher.json && echo "::add-matcher::matcher.json"
          pratique lint --profile tre Dockerfile
          hadolint --failure-threshold error Dockerfile
      - name: Build
        run: docker build --pull --platform linux/amd64 --tag "ghcr.io/$GITHUB_REPOSITORY_OWNER/NAME:$GITHUB_SHA" .
      - name: Run it as the environment will
        run: |
          docker save --output image.tar "ghcr.io/$GITHUB_REPOSITORY_OWNER/NAME:$GITHUB_SHA"
          docker run --rm --network none --volume "$PWD/safe_outputs:/safe_outputs" "ghcr.io/$GITHUB_REPOSITORY_OWNER/NAME:$GITHUB_SHA"
      - name: Inspect the image
        run: |
          pratique scan --policy policy.yaml --format json --output report.json docker-archive:image.tar
          trivy image --severity MEDIUM,HIGH,CRITICAL --input image.tar
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: report
          path: report.json
      - name: Push
        run: |
          echo "${{ secrets.GITHUB_TOKEN }}" | docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin
          docker push "ghcr.io/$GITHUB_REPOSITORY_OWNER/NAME:$GITHUB_SHA"
)text";

constexpr std::string_view kPolicy =
    R"text(# What this project asks of its own image before it is submitted; the gate has the last word.
extends: tre
name: NAME
when_clean: approve
checks:
  T1: reject
  D4: reject
  D8: reject
  T5: review
  DS-0031: reject
)text";

constexpr std::string_view kHook = R"text(repos:
  - repo: local
    hooks:
      - id: pratique-lint
        name: pratique lint
        entry: pratique lint --profile tre
        language: system
        files: (^|/)(Dockerfile|Containerfile)(\..*)?$
)text";

constexpr std::string_view kLicence =
    "Write the terms of your code here, and name those of what you copied into the image.\n";

}  // namespace

std::vector<StarterKind> starter_kinds() {
  std::vector<StarterKind> kinds;
  for (const auto& kind : kKinds) kinds.push_back({kind.name, kind.summary});
  return kinds;
}

std::optional<std::vector<StarterFile>> starter_files(std::string_view kind_name, const std::string& name) {
  const auto* kind = find_kind(kind_name);
  if (!kind) return std::nullopt;
  auto ignore = std::string(kDockerignore) + "!" + std::string(kind->program) + "\n";
  if (!kind->needs.empty()) ignore += "!" + std::string(kind->needs) + "\n";
  std::vector<StarterFile> files = {{"Dockerfile", dockerfile(*kind, name)},
                                    {".dockerignore", ignore},
                                    {".github/workflows/image.yml", replace_all(kWorkflow, "NAME", name)},
                                    {".pre-commit-config.yaml", std::string(kHook)},
                                    {"policy.yaml", replace_all(kPolicy, "NAME", name)},
                                    {"LICENSE", std::string(kLicence), true},
                                    {std::string(kind->program), std::string(kind->example), true}};
  if (!kind->needs.empty()) files.push_back({std::string(kind->needs), std::string(kind->needs_text), true});
  return files;
}

}  // namespace pratique::cli
