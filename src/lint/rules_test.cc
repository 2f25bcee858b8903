#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {
namespace {

using testing::IsEmpty;

std::vector<std::string> ids_of(std::string_view text, Options options) {
  auto file = parse(std::string(text));
  std::vector<std::string> ids;
  for (const auto& finding : check(*file, options).findings) ids.emplace_back(finding.rule->id);
  return ids;
}

bool fires(std::string_view id, std::string_view text, Options options) {
  options.profile = Profile::Tre;
  if (id != "DL3050" && id != "DL3026") options.enabled.insert(std::string(id));
  auto ids = ids_of(text, std::move(options));
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

struct Row {
  std::string_view id, bad, good;
};

const Row kRows[] = {
    {"B2", "FROM a\nCOPY . /app", "FROM a\nCOPY src /app"},
    {"D1", "FROM python:3.12",
     "FROM ghcr.io/a/b:1@sha256:0123456789012345678901234567890123456789012345678901234567890123"},
    {"D1", "FROM ghcr.io/a/b:1", "FROM scratch"},
    {"D3", "FROM a\nRUN apt-get install -y gcc",
     "FROM a AS b\nRUN apt-get install -y gcc\nFROM a\nCOPY --from=b /x /x"},
    {"D4", "FROM a\nRUN useradd -u 1000 x", "FROM a\nRUN useradd -m x"},
    {"D5", "FROM a\nRUN chmod -R 777 /app", "FROM a\nRUN chmod 777 /scratch"},
    {"D5", "FROM a\nCOPY --chmod=666 x /y", "FROM a\nCOPY --chmod=555 x /y"},
    {"D6", "FROM a AS b\nFROM python:3.12\n", "FROM a AS b\nFROM python:3.12-slim\n"},
    {"D8", "FROM a\nCOPY patients.CSV /x", "FROM a\nCOPY main.py /x"},
    {"DL1001", "# hadolint ignore=DL3000\nFROM a:1", "# see hadolint\nFROM a:1"},
    {"DL3000", "FROM a\nWORKDIR app", "FROM a\nWORKDIR /app"},
    {"DL3001", "FROM a\nRUN service x start", "FROM a\nRUN echo service"},
    {"DL3002", "FROM a\nUSER root", "FROM a\nUSER root\nUSER app"},
    {"DL3002", "FROM a AS b\nUSER 0:0\nFROM b", "FROM a AS b\nUSER root\nFROM c\nUSER x"},
    {"DL3003", "FROM a\nRUN cd /x && make", "FROM a\nRUN make && cd /x"},
    {"DL3004", "FROM a\nRUN sudo -E make", "FROM a\nRUN apt-get install sudo"},
    {"DL3006", "FROM debian", "FROM debian:12\nFROM scratch"},
    {"DL3006", "ARG I=debian\nFROM $I", "ARG I\nFROM $I"},
    {"DL3006", "FROM a:1 AS b\nFROM c", "FROM a:1 AS b\nFROM b"},
    {"DL3007", "FROM localhost:5000/a:latest", "FROM localhost:5000/a:1"},
    {"DL3008", "FROM a\nRUN apt-get install -y curl", "FROM a\nRUN apt-get install -y -t stable curl=1 ./x.deb $Y"},
    {"DL3009", "FROM a\nRUN apt-get update && apt-get install -y x",
     "FROM a\nRUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*"},
    {"DL3010", "FROM a\nCOPY m.tar.gz /x/\nRUN tar xzf /x/m.tar.gz", "FROM a\nCOPY m.tar.gz /x/"},
    {"DL3011", "FROM a\nEXPOSE 65536", "FROM a\nEXPOSE 65535/udp 80-90 $P"},
    {"DL3012", "FROM a\nHEALTHCHECK CMD a\nHEALTHCHECK CMD b", "FROM a\nHEALTHCHECK CMD a\nFROM b\nHEALTHCHECK CMD b"},
    {"DL3013", "FROM a\nRUN pip install numpy",
     "FROM a\nRUN pip install numpy==1 && pip install -r r.txt && pip install ."},
    {"DL3013", "FROM a\nRUN python3 -m pip install --no-cache-dir numpy", "FROM a\nRUN pip install -U pip"},
    {"DL3014", "FROM a\nRUN apt-get install x", "FROM a\nRUN apt-get -qqy install x && apt-get install --yes y"},
    {"DL3015", "FROM a\nRUN apt-get install -y x", "FROM a\nRUN apt-get install -y --no-install-recommends x"},
    {"DL3016", "FROM a\nRUN npm install -g @vue/cli", "FROM a\nRUN npm install @vue/cli@5 ./x && npm install"},
    {"DL3018", "FROM a\nRUN apk add curl", "FROM a\nRUN apk add -t .build curl=8 wget~1"},
    {"DL3019", "FROM a\nRUN apk add curl", "FROM a\nRUN apk add --no-cache curl"},
    {"DL3020", "FROM a\nADD x.py /", "FROM a\nADD x.tar.gz https://example.org/y /z/"},
    {"DL3021", "FROM a\nCOPY x y z", "FROM a\nCOPY x y z/\nCOPY [\"a b\", \"c\"]"},
    {"DL3022", "FROM a\nCOPY --from=build x y", "FROM a AS build\nFROM c\nCOPY --from=build x y\nCOPY --from=d:1 x y"},
    {"DL3022", "FROM a\nCOPY --from=7 x y", "FROM a\nFROM b\nCOPY --from=0 x y"},
    {"DL3023", "FROM a AS b\nCOPY --from=B x y", "FROM a AS b\nFROM c\nCOPY --from=b x y"},
    {"DL3024", "FROM a AS x\nFROM b AS X", "FROM a AS x\nFROM b AS y"},
    {"DL3025", "FROM a\nCMD python main.py", "FROM a\nCMD [\"python\", \"main.py\"]"},
    {"DL3027", "FROM a\nRUN apt install -y x", "FROM a\nRUN apt-get install -y x"},
    {"DL3028", "FROM a\nRUN gem install rake", "FROM a\nRUN gem install rake:1 && gem install x -v 2"},
    {"DL3029", "FROM --platform=linux/arm64 a", "FROM --platform=$BUILDPLATFORM a"},
    {"DL3030", "FROM a\nRUN yum install x", "FROM a\nRUN yum -y install x"},
    {"DL3032", "FROM a\nRUN yum install -y x", "FROM a\nRUN yum install -y x && yum clean all"},
    {"DL3033", "FROM a\nRUN yum install -y x", "FROM a\nRUN yum install -y x-1.2"},
    {"DL3034", "FROM a\nRUN zypper install x", "FROM a\nRUN zypper -n install x"},
    {"DL3035", "FROM a\nRUN zypper dup", "FROM a\nRUN zypper update"},
    {"DL3036", "FROM a\nRUN zypper -n in x", "FROM a\nRUN zypper -n in x && zypper clean"},
    {"DL3037", "FROM a\nRUN zypper -n in x", "FROM a\nRUN zypper -n in x=1"},
    {"DL3038", "FROM a\nRUN dnf install x", "FROM a\nRUN dnf install -y x"},
    {"DL3040", "FROM a\nRUN dnf install -y x", "FROM a\nRUN dnf install -y x && rm -rf /var/cache/dnf"},
    {"DL3041", "FROM a\nRUN dnf install -y x", "FROM a\nRUN dnf install -y x-1.2 @group"},
    {"DL3042", "FROM a\nRUN pip install x==1", "FROM a\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x==1"},
    {"DL3042", "FROM a\nRUN pip3.11 install x==1",
     "FROM a\nRUN --mount=type=cache,target=/root/.cache/pip pip install x"},
    {"DL3043", "FROM a\nONBUILD FROM b", "FROM a\nONBUILD RUN b"},
    {"DL3043", "FROM a\nONBUILD ONBUILD ONBUILD RUN b", "FROM a\nONBUILD COPY x y"},
    {"DL3044", "FROM a\nENV A=1 B=$A", "FROM a\nENV PATH=/x:$PATH\nENV A=1\nENV B=$A"},
    {"DL3045", "FROM a\nCOPY x y", "FROM a\nWORKDIR /z\nCOPY x y"},
    {"DL3046", "FROM a\nRUN useradd -u 100000 x", "FROM a\nRUN useradd -l -u 100000 x"},
    {"DL3047", "FROM a\nRUN wget http://x/y", "FROM a\nRUN wget -q http://x/y"},
    {"DL3048", "FROM a\nLABEL .x=1", "FROM a\nLABEL org.x-y.z=1"},
    {"DL3049", "FROM a\nLABEL x=1",
     "FROM a\nLABEL v=1.2.3 u=https://x t=2026-01-31T12:00:00Z h=0123456 s=MIT e=a@b.c n=x"},
    {"DL3050", "FROM a\nLABEL x=1", "FROM a\nLABEL v=1.2.3"},
    {"DL3051", "FROM a\nLABEL v=\"\"", "FROM a\nLABEL v=1.2.3"},
    {"DL3052", "FROM a\nLABEL u=here", "FROM a\nLABEL u=https://example.org/x"},
    {"DL3053", "FROM a\nLABEL t=2026-13-01T00:00:00Z", "FROM a\nLABEL t=2026-01-31T12:00:00.5+01:00"},
    {"DL3053", "FROM a\nLABEL org.opencontainers.image.created=today",
     "FROM a\nLABEL org.opencontainers.image.created=$DATE"},
    {"DL3054", "FROM a\nLABEL s=Mine", "FROM a\nLABEL s=\"MIT OR (Apache-2.0 WITH LLVM-exception)\""},
    {"DL3055", "FROM a\nLABEL h=xyz", "FROM a\nLABEL h=48ac7e1"},
    {"DL3056", "FROM a\nLABEL v=1.2", "FROM a\nLABEL v=1.2.3-rc.1+5"},
    {"DL3057", "FROM a", "FROM a\nHEALTHCHECK NONE"},
    {"DL3058", "FROM a\nLABEL e=ann", "FROM a\nLABEL e=ann@example.org"},
    {"DL3059", "FROM a\nRUN x\nRUN y", "FROM a\nRUN x\nWORKDIR /z\nRUN y"},
    {"DL3060", "FROM a\nRUN yarn install", "FROM a\nRUN yarn install && yarn cache clean"},
    {"DL3061", "RUN x\nFROM a", "# x\nARG y\nFROM a"},
    {"DL3062", "FROM a\nRUN go install x.y/z@latest", "FROM a\nRUN go install x.y/z@v1 && go install ./..."},
    {"DL3063", "FROM a", "FROM a\nUSER x"},
    {"DL3064", "FROM a\nARG GITHUB_TOKEN", "FROM a\nENV TOKENIZERS_PARALLELISM=false PASSWORD_FILE=/x"},
    {"DL3065", "FROM --platform=$TARGETPLATFORM a", "FROM --platform=$BUILDPLATFORM a"},
    {"DL3066", "FROM a\nUSER app", "FROM a\nUSER 1000:app"},
    {"DL3067", "FROM a AS b\nFROM c\nCOPY --from=b / /", "FROM a AS b\nFROM c\nCOPY --from=b /x /"},
    {"DL4000", "FROM a\nMAINTAINER ann", "FROM a\nLABEL maintainer=ann"},
    {"DL4001", "FROM a\nRUN wget x && curl y", "FROM a\nRUN apt-get install wget curl && curl y"},
    {"DL4003", "FROM a\nCMD x\nCMD y", "FROM a\nCMD x\nFROM b\nCMD y"},
    {"DL4004", "FROM a\nENTRYPOINT x\nENTRYPOINT y", "FROM a\nENTRYPOINT x\nCMD y"},
    {"DL4005", "FROM a\nRUN ln -sf /bin/bash /bin/sh", "FROM a\nRUN ln -s /x /y"},
    {"DL4006", "FROM a\nRUN curl x | tar x",
     "FROM a\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl x | tar x"},
    {"DL4006", "FROM a\nRUN x | y", "FROM a\nRUN set -euo pipefail; x | y"},
    {"DS-0004", "FROM a\nEXPOSE 20-30", "FROM a\nEXPOSE 2222"},
    {"DS-0017", "FROM a\nRUN apt-get update", "FROM a\nRUN apt-get update && apt-get -y install x"},
    {"DS-0017", "FROM a\nRUN apk update", "FROM a\nRUN apk update; apk add x"},
    {"DS-0024", "FROM a\nRUN apt-get update && apt-get -y dist-upgrade", "FROM a\nRUN apt-get -y upgrade"},
    {"DS-0027", "FROM a\nRUN microdnf install x", "FROM a\nRUN microdnf install x && microdnf clean all"},
    {"DS-0030", "FROM a\nWORKDIR /proc/x", "FROM a\nWORKDIR /process"},
    {"DS-0031", "FROM a\nENV AWS_SECRET_ACCESS_KEY=abcd", "FROM a\nENV SECRET_PATH=/run/x"},
    {"DS-0031", "FROM a\nCOPY id_rsa /root/.ssh/", "FROM a\nCOPY id.txt /x"},
    {"DS-0031", "FROM a\nRUN git clone https://ghp_0123456789abcdefghij0123456789abcdef@github.com/x",
     "FROM a\nRUN git clone x"},
    {"DS-0031", "FROM a AS b\nFROM c\nARG TOKEN=abc", "FROM a AS b\nARG TOKEN=abc\nFROM c"},
    {"PQ001", "FROM a\nFOO x", "FROM a\nRUN x"},
    {"PQ001", "ARG x", "FROM a"},
    {"PQ002", "FROM a\nRUN echo 'x", "FROM a\nRUN echo x"},
    {"PQ002", "FROM a\nRUN if x; then y", "FROM a\nRUN <<EOF\n#!/usr/bin/env python3\nif x:\n  print('\nEOF"},
    {"T1", "FROM a\nRUN mkdir /safe_data", "FROM a\nRUN mkdir -p /safe_data /safe_outputs /scratch"},
    {"T1", "FROM a", "FROM a\nRUN mkdir /{safe_data,safe_outputs,scratch}"},
    {"T2", "FROM docker.io/library/ubuntu:22.04", "FROM python:3.12-slim"},
    {"T2", "FROM debian:12 AS base\nFROM base", "FROM debian:12 AS b\nFROM python:3\nCOPY --from=b /x /x"},
    {"T3", "FROM a\nRUN apt-get upgrade -y", "FROM a\nRUN apt-get install -y x y z"},
    {"T4", "FROM a\nENV LM_LICENSE_FILE=27000@host", "FROM a\nENV LM_LICENSE_FILE=/opt/x.lic"},
    {"T5", "FROM a\nCMD pip install x && python y", "FROM a\nCMD [\"python\", \"y\"]"},
    {"T5", "FROM a\nENTRYPOINT [\"sh\", \"-c\", \"curl http://x/y\"]",
     "FROM a\nENTRYPOINT [\"sh\", \"-c\", \"curl localhost:80\"]"},
    {"T6", "FROM a\nRUN pip install transformers==4",
     "FROM a\nRUN pip install transformers\nENV HF_HUB_OFFLINE=TRUE HF_HOME=/safe_data/m"},
    {"T6", "FROM a\nENV HF_HOME=/safe_data/x", "FROM a\nRUN pip install numpy"},
    {"T7", "FROM a\nENV TMPDIR=/tmp", "FROM a\nENV TMP=/scratch"},
    {"T8", "FROM a", "FROM a\nCMD python3 x.py"},
    {"T8", "FROM a\nCMD [\"/bin/bash\"]", "FROM a\nENTRYPOINT [\"/bin/bash\"]\nCMD [\"run.sh\"]"},
    {"T9", "FROM a\nCMD python x.py /safe_data/patients.csv", "FROM a\nCMD python x.py /safe_data/config.yaml"},
    {"T10", "FROM nvidia/cuda:11.0.3-base", "FROM nvidia/cuda:11.10-base"},
    {"T10", "FROM pytorch/pytorch:1.6.0-cuda10.1-cudnn7-runtime", "FROM pytorch/pytorch:2.2.0-cuda12.1-cudnn8-runtime"},
    {"T10", "FROM a\nENV CUDA_VERSION=9.2", "FROM a\nENV CUDA_VERSION=11.1.1"},
    {"T11", "FROM --platform=linux/arm64 a", "FROM --platform=linux/amd64 a"},
};

Options options_for(std::string_view id) {
  Options options;
  options.surroundings.dockerignore = "";
  if (!id.starts_with("DL304") && !id.starts_with("DL305")) return options;
  for (std::string_view label : {"v:semver", "u:url", "t:time", "h:hash", "s:spdx", "e:email", "n"})
    options.labels.push_back(*parse_label_rule(label));
  options.strict_labels = id == "DL3050";
  return options;
}

TEST(Rules, EachFiresOnItsExampleAndNotOnTheCorrectedOne) {
  for (const auto& row : kRows) {
    EXPECT_TRUE(fires(row.id, row.bad, options_for(row.id))) << row.id << " must fire on:\n" << row.bad;
    EXPECT_FALSE(fires(row.id, row.good, options_for(row.id))) << row.id << " must be silent on:\n" << row.good;
  }
}

TEST(Rules, EachHasAnExampleHere) {
  std::set<std::string_view> elsewhere = {"B1", "B5", "B6", "DL3026"};
  for (const auto& row : kRows) elsewhere.insert(row.id);
  for (const auto& rule : rules()) EXPECT_TRUE(elsewhere.contains(rule.id)) << rule.id;
}

TEST(Rules, KnowAll71NamesOfHadolintAndAll28OfTrivy) {
  for (int number : {1001, 3000, 3001, 3002, 3003, 3004, 4000, 4001, 4003, 4004, 4005, 4006})
    EXPECT_FALSE(find_rules(format("DL{}", number)).empty()) << number;
  for (int number = 3006; number <= 3067; ++number) {
    bool is_gap = number == 3017 || number == 3031 || number == 3039;
    EXPECT_TRUE(is_gap || !find_rules(format("DL{}", number)).empty()) << number;
  }
  int known = 0;
  for (int number = 1; number <= 31; ++number)
    if (number != 3 && number != 18 && number != 28) known += !find_rules(format("DS-{:04}", number)).empty();
  EXPECT_EQ(known, 28);
}

TEST(Rules, AreFoundInEverySpelling) {
  for (std::string_view id : {"DS-0005", "DS005", "AVD-DS-0005", "ds0005", "dl3020", "D7"}) {
    auto found = find_rules(id);
    ASSERT_EQ(found.size(), 1u) << id;
    EXPECT_EQ(found[0]->id, "DL3020");
  }
  EXPECT_GE(find_rules("D2").size(), 7u);
  EXPECT_THAT(find_rules("DL9999"), IsEmpty());
  EXPECT_THAT(find_rules(""), IsEmpty());
}

TEST(Rules, OffByDefaultRunWhenAskedFor) {
  EXPECT_FALSE(find_rules("DL3008")[0]->severity[0]);
  Options options{.blocking = {"DL3008"}};
  auto file = *parse("FROM a:1\nUSER x\nRUN apt-get install -y --no-install-recommends b");
  EXPECT_TRUE(check(file, options).has(Severity::Error));
  EXPECT_FALSE(check(file, {}).has(Severity::Error));
}

TEST(Rules, TrustedRegistriesAreHeldToTheHost) {
  Options options{.trusted_registries = {"ghcr.io", "*.example.org"}};
  auto fires_on = [&](std::string_view text) {
    auto ids = ids_of(text, options);
    return std::find(ids.begin(), ids.end(), "DL3026") != ids.end();
  };
  EXPECT_FALSE(fires_on("FROM ghcr.io/a/b:1"));
  EXPECT_FALSE(fires_on("FROM x.example.org/b:1"));
  EXPECT_TRUE(fires_on("FROM debian:12"));
  EXPECT_TRUE(fires_on("FROM ghcr.io.evil.org/b:1"));
  EXPECT_TRUE(fires_on("ARG R\nFROM $R/b:1")) << "a registry nobody can see is not trusted";
}

TEST(Rules, SurroundingsAreJudgedOnlyWhereSomebodyLooked) {
  Options options{.profile = Profile::Tre};
  auto count = [&](std::string_view id) {
    auto ids = ids_of("FROM a:1\nCOPY . /x", options);
    return std::count(ids.begin(), ids.end(), id);
  };
  EXPECT_EQ(count("B1") + count("B2") + count("B5") + count("B6"), 0);
  options.surroundings = {.dockerignore = "", .is_in_git = false, .automation = ""};
  EXPECT_EQ(count("B1") + count("B2") + count("B5") + count("B6"), 4);
  options.surroundings = {.dockerignore = ".git", .is_in_git = true, .automation = "docker build; hadolint"};
  EXPECT_EQ(count("B1") + count("B2") + count("B5") + count("B6"), 0);
}

TEST(Suppressions, SpeakForTheInstructionBelowThemAndTheirOwnLines) {
  Options options;
  auto fires_on = [&](std::string_view text) {
    auto ids = ids_of(text, options);
    return std::find(ids.begin(), ids.end(), "DL3000") != ids.end();
  };
  EXPECT_FALSE(fires_on("FROM a:1\n# pratique ignore=DL3000 base sets it\nWORKDIR x"));
  EXPECT_FALSE(fires_on("FROM a:1\n# hadolint ignore=DL3006,DL3000\nWORKDIR x"));
  EXPECT_FALSE(fires_on("FROM a:1\n# trivy:ignore:AVD-DS-0009\n# hadolint ignore=DL3006\nWORKDIR x"));
  EXPECT_FALSE(fires_on("# hadolint global ignore=DL3000\nFROM a:1\nWORKDIR x"));
  EXPECT_TRUE(fires_on("FROM a:1\n# pratique ignore=DL3001\nWORKDIR x"));
  EXPECT_TRUE(fires_on("FROM a:1\n# pratique ignore=DL3000\nWORKDIR /x\nWORKDIR y"));
  EXPECT_TRUE(fires_on("FROM a:1\nWORKDIR x\n# pratique ignore=DL3000"));
}

TEST(Suppressions, KeepTheReason) {
  auto file = *parse("FROM a:1\n# pratique ignore=DL3000, DL3045 the base sets it\nWORKDIR x");
  auto report = check(file);
  ASSERT_EQ(report.suppressed.size(), 1u);
  EXPECT_EQ(report.suppressed[0].reason, "the base sets it");
  EXPECT_EQ(report.suppressed[0].where, "line 2");
}

TEST(Suppressions, OfAFileNeedKnownIdsAndReasons) {
  auto ignores = parse_ignore_file("# ours\nDL3008 Debian drops old versions\n\nDS005 # samples use ADD\n");
  ASSERT_TRUE(ignores.ok());
  EXPECT_EQ(ignores->size(), 2u);
  EXPECT_EQ((*ignores)[1].reason, "samples use ADD");
  EXPECT_THAT(parse_ignore_file("DL3008 x\nDL3006\n").error().message(), testing::HasSubstr("line 2"));
  EXPECT_THAT(parse_ignore_file("NOPE x").error().message(), testing::HasSubstr("no rule"));
  Options options{.ignores = *ignores};
  EXPECT_THAT(ids_of("FROM a:1\nUSER x\nADD b.py /", options), IsEmpty());
}

TEST(Check, CutsAnEndlessListAndSaysSo) {
  std::string text = "FROM a:1\n";
  for (std::size_t i = 0; i < kFindingsMax + 10; ++i) text += "WORKDIR x\n";
  auto report = check(*parse(text));
  EXPECT_TRUE(report.is_cut);
  EXPECT_LE(report.findings.size(), kFindingsMax);
}

}  // namespace
}  // namespace pratique::lint
