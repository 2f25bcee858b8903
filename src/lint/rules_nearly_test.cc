// Every rule on three files: one it fires on (rules_test.cc), one that nearly fails, one that has nothing of the kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lint/lint.h"

namespace pratique::lint {
namespace {

// Passes everything: each rule is silent here, the ones that are off by default too.
constexpr std::string_view kSpotless = R"(# syntax=docker/dockerfile:1
FROM ghcr.io/lab/python:3.12-slim@sha256:0123456789012345678901234567890123456789012345678901234567890123 AS build
WORKDIR /app
COPY requirements.txt ./
RUN python3 -m venv /app/venv && /app/venv/bin/pip install --no-cache-dir --requirement requirements.txt

FROM ghcr.io/lab/python:3.12-slim@sha256:0123456789012345678901234567890123456789012345678901234567890123
LABEL org.opencontainers.image.title="spotless" org.opencontainers.image.version="0.1.0"
WORKDIR /app
COPY --from=build --chown=root:root /app/venv /app/venv
COPY --chown=root:root --chmod=555 main.py LICENSE /app/
RUN mkdir /safe_data /safe_outputs /scratch && useradd --create-home job
ENV TMP=/scratch TMPDIR=/scratch
USER job
HEALTHCHECK NONE
ENTRYPOINT ["python3", "/app/main.py"]
)";

struct Row {
  std::string_view id, text;
};
// One step from what the rule is about: the same words where they do no harm.
const Row kNearly[] = {
    {"B1", "FROM a\n"},
    {"B2", "FROM a\nCOPY ./src /app"},
    {"B5", "FROM a\n"},
    {"B6", "FROM a\n"},
    {"D1", "FROM scratch AS latest"},
    {"D3", "FROM a\nRUN echo gcc make"},
    {"D4", "FROM a\nRUN useradd --user-group x"},
    {"D5", "FROM a\nRUN chmod -R 755 /app"},
    {"D6", "FROM a AS b\nFROM python:3.12-alpine"},
    {"D8", "FROM a\nCOPY csv.py /x"},
    {"DL1001", "# what hadolint ignores\nFROM a:1"},
    {"DL3000", "FROM a\nWORKDIR $HOME/app"},
    {"DL3001", "FROM a\nRUN echo 'service x start'"},
    {"DL3002", "FROM a\nUSER rooty"},
    {"DL3003", "FROM a\nRUN make && cd /x"},
    {"DL3004", "FROM a\nRUN echo sudo"},
    {"DL3006", "FROM debian@sha256:0123456789012345678901234567890123456789012345678901234567890123"},
    {"DL3007", "FROM a:latest-1"},
    {"DL3008", "FROM a\nRUN apt-get install -y curl=1"},
    {"DL3009", "FROM a\nRUN apt-get install -y x ; rm -rf /var/lib/apt/lists/*"},
    {"DL3010", "FROM a\nCOPY m.tar.gz /x/\nRUN tar xzf /y/n.tar.gz"},
    {"DL3011", "FROM a\nEXPOSE 0 65535"},
    {"DL3012", "FROM a\nHEALTHCHECK NONE"},
    {"DL3013", "FROM a\nRUN pip install numpy==1.0 ./wheel.whl"},
    {"DL3014", "FROM a\nRUN apt-get install --assume-yes x"},
    {"DL3015", "FROM a\nRUN apt-get --no-install-recommends -y install x"},
    {"DL3016", "FROM a\nRUN npm ci"},
    {"DL3018", "FROM a\nRUN apk add curl=8.0-r0"},
    {"DL3019", "FROM a\nRUN apk --no-cache add curl"},
    {"DL3020", "FROM a\nADD x.tar.xz /"},
    {"DL3021", "FROM a\nCOPY x y z/"},
    {"DL3022", "FROM a AS build\nFROM c\nCOPY --from=BUILD x y"},
    {"DL3023", "FROM a AS b\nFROM b AS c\nCOPY --from=b x y"},
    {"DL3024", "FROM a AS x\nFROM b AS xx"},
    {"DL3025", "FROM a\nCMD [\"sh\", \"-c\", \"python main.py\"]"},
    {"DL3026", "FROM a"},
    {"DL3027", "FROM a\nRUN apt-cache search apt"},
    {"DL3028", "FROM a\nRUN gem install rake:13.0"},
    {"DL3029", "FROM --platform=$TARGETPLATFORM a"},
    {"DL3030", "FROM a\nRUN yum install --assumeyes x"},
    {"DL3032", "FROM a\nRUN yum install -y x && rm -rf /var/cache/yum"},
    {"DL3033", "FROM a\nRUN yum install -y x-1.2-3"},
    {"DL3034", "FROM a\nRUN zypper --non-interactive install x"},
    {"DL3035", "FROM a\nRUN zypper patch"},
    {"DL3036", "FROM a\nRUN zypper -n install x && zypper cc"},
    {"DL3037", "FROM a\nRUN zypper -n in x=1.2"},
    {"DL3038", "FROM a\nRUN dnf -y install x"},
    {"DL3040", "FROM a\nRUN dnf install -y x && dnf clean all"},
    {"DL3041", "FROM a\nRUN dnf install -y x-1.2"},
    {"DL3042", "FROM a\nRUN pip --no-cache-dir install x==1"},
    {"DL3043", "FROM a\nONBUILD USER x"},
    {"DL3044", "FROM a\nENV A=1 B=\\$A"},
    {"DL3045", "FROM a\nCOPY x /y"},
    {"DL3046", "FROM a\nRUN useradd -u 10000 x"},
    {"DL3047", "FROM a\nRUN wget --progress=dot:giga http://x/y"},
    {"DL3048", "FROM a\nLABEL x.y=1"},
    {"DL3049", "FROM a\nLABEL v=1"},
    {"DL3050", "FROM a\nLABEL v=1"},
    {"DL3051", "FROM a\nLABEL v=\"0\""},
    {"DL3052", "FROM a\nLABEL u=http://localhost/"},
    {"DL3053", "FROM a\nLABEL t=2026-01-31T12:00:00Z"},
    {"DL3054", "FROM a\nLABEL s=Apache-2.0"},
    {"DL3055", "FROM a\nLABEL h=0123456789abcdef0123456789abcdef01234567"},
    {"DL3056", "FROM a\nLABEL v=1.2.3"},
    {"DL3057", "FROM a\nHEALTHCHECK CMD x"},
    {"DL3058", "FROM a\nLABEL e=a@b.org"},
    {"DL3059", "FROM a\nRUN x\nCOPY a /b\nRUN y"},
    {"DL3060", "FROM a\nRUN yarn --version"},
    {"DL3061", "ARG x\nFROM a"},
    {"DL3062", "FROM a\nRUN go install x.y/z@v1.0.0"},
    {"DL3063", "FROM a\nUSER 1000"},
    {"DL3064", "FROM a\nENV TOKENIZERS_PARALLELISM=false"},
    {"DL3065", "FROM --platform=linux/amd64 a"},
    {"DL3066", "FROM a\nUSER 1000"},
    {"DL3067", "FROM a AS b\nFROM c\nCOPY --from=b /x /"},
    {"DL4000", "FROM a\nLABEL MAINTAINER=ann"},
    {"DL4001", "FROM a\nRUN wget x && echo curl"},
    {"DL4003", "FROM a\nCMD x\nENTRYPOINT y"},
    {"DL4004", "FROM a\nENTRYPOINT x\nFROM b\nENTRYPOINT y"},
    {"DL4005", "FROM a\nRUN ln -sf /bin/bash /usr/local/bin/sh2"},
    {"DL4006", "FROM a\nRUN x || y"},
    {"DS-0004", "FROM a\nEXPOSE 220"},
    {"DS-0017", "FROM a\nRUN apt-get update && apt-get install -y x"},
    {"DS-0024", "FROM a\nRUN echo dist-upgrade"},
    {"DS-0027", "FROM a\nRUN microdnf update && microdnf clean all"},
    {"DS-0030", "FROM a\nWORKDIR /boots"},
    {"DS-0031", "FROM a\nENV SECRET_FILE=/run/secrets/x"},
    {"PQ001", "FROM a\nrun x"},
    {"PQ002", "FROM a\nRUN echo \"it's\""},
    {"T1", "FROM a\nRUN install -d /safe_data /safe_outputs /scratch"},
    {"T2", "FROM x/ubuntu-python:22.04"},
    {"T3", "FROM a\nRUN apt-get update"},
    {"T4", "FROM a\nENV LICENSE_FILE=/app/LICENSE"},
    {"T5", "FROM a\nCMD [\"python\", \"curl.py\"]"},
    {"T6", "FROM a\nRUN pip install transform==1"},
    {"T7", "FROM a\nENV TMPDIR=/scratch/tmp TMP=/scratch"},
    {"T8", "FROM a\nCMD [\"bash\", \"run.sh\"]"},
    {"T9", "FROM a\nCMD python x.py /safe_data"},
    {"T10", "FROM nvidia/cuda:11.1.0-base"},
    {"T11", "FROM --platform=linux/x86_64 a"},
};

std::set<std::string> everything() {
  std::set<std::string> ids;
  for (const auto& rule : rules()) ids.emplace(rule.id);
  return ids;
}

std::vector<std::string> fired(std::string_view text) {
  Options options{.profile = Profile::Tre, .enabled = everything()};
  for (std::string_view label : {"v", "u:url", "t:time", "h:hash", "s:spdx", "e:email"})
    if (text.find("LABEL") != std::string_view::npos && text.size() < 100)
      options.labels.push_back(*parse_label_rule(label));
  std::vector<std::string> ids;
  auto file = parse(std::string(text));
  for (const auto& finding : check(*file, options).findings) ids.emplace_back(finding.rule->id);
  return ids;
}

TEST(RulesNearly, AreSilentOnOneStepFromHarm) {
  for (const auto& row : kNearly) {
    if (row.id == "DL3049") continue;  // each of the labels it is asked for is missing there
    auto ids = fired(row.text);
    EXPECT_EQ(std::ranges::count(ids, row.id), 0) << row.id << " must be silent on:\n" << row.text;
  }
}
TEST(RulesNearly, HoldARowForEveryRule) {
  std::set<std::string_view> ids;
  for (const auto& row : kNearly) ids.insert(row.id);
  for (const auto& rule : rules()) EXPECT_TRUE(ids.contains(rule.id)) << rule.id;
  EXPECT_EQ(ids.size(), rules().size());
}
TEST(RulesNearly, AreAllSilentOnASpotlessFile) {
  for (const auto& id : fired(kSpotless)) EXPECT_EQ(id, "DL3066") << "a named user is right here, a number elsewhere";
}

}  // namespace
}  // namespace pratique::lint
