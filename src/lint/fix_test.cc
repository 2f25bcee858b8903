#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lint/lint.h"

namespace pratique::lint {
namespace {

std::string fixed(std::string_view text) {
  return fix(*parse(std::string(text))).text;
}

struct Row {
  std::string_view before, after;
};

TEST(Fix, RewritesWhatNeedsNoThought) {
  const Row rows[] = {
      {"RUN apt-get install -y curl=1", "RUN apt-get install --no-install-recommends -y curl=1"},
      {"RUN apt-get install curl=1", "RUN apt-get install -y --no-install-recommends curl=1"},
      {"RUN apt-get update && apt-get install -y --no-install-recommends a \\\n    b\nCMD [\"x\"]",
       "RUN apt-get update && apt-get install -y --no-install-recommends a \\\n    b && rm -rf /var/lib/apt/lists/*\n"
       "CMD [\"x\"]"},
      {"RUN apk add curl", "RUN apk add --no-cache curl"},
      {"ADD x.py /app/", "COPY x.py /app/"},
      {"add --chown=a src/ /app/", "copy --chown=a src/ /app/"},
      {"MAINTAINER Ann \"A\" <a@b.c>", "LABEL org.opencontainers.image.authors=\"Ann A <a@b.c>\""},
      {"CMD python3 -u /app/x.py", "CMD [\"python3\", \"-u\", \"/app/x.py\"]"},
      {"ENTRYPOINT  /run.sh  ", "ENTRYPOINT  [\"/run.sh\"]  "},
  };
  for (const auto& row : rows) {
    std::string head = "FROM a:1\n";
    EXPECT_EQ(fixed(head + std::string(row.before)), head + std::string(row.after));
  }
}

TEST(Fix, LeavesAloneWhatCouldMeanSomethingElse) {
  for (std::string_view text :
       {"ADD x.tar.gz /", "ADD *.py /", "ADD https://x/y.py /", "ADD model /", "ADD --checksum=sha256:0 x.py /y",
        "CMD python3 $X", "CMD cd /x", "CMD a && b", "CMD A=1 b", "CMD python3 \\\n  x.py", "ENTRYPOINT a\nCMD b",
        "RUN apt-get update; apt-get install -y --no-install-recommends a",
        "RUN apt-get update && apt-get install -y --no-install-recommends a || true",
        "USER x\nRUN apt-get update && apt-get install -y --no-install-recommends a", "WORKDIR app", "MAINTAINER $X",
        "RUN [\"apk\", \"add\", \"x\"]", "# pratique ignore=DL3019 why\nRUN apk add x", "FOO\nRUN apk add x"}) {
    std::string whole = "FROM a:1\n" + std::string(text);
    EXPECT_EQ(fixed(whole), whole);
  }
}

TEST(Fix, TwiceChangesNothingMore) {
  std::string once =
      fixed("FROM a:1\nMAINTAINER a\nRUN apt-get update && apt-get install b\nRUN apk add c\nADD d.py /\nCMD e f\n");
  EXPECT_EQ(fixed(once), once);
  EXPECT_TRUE(parse(once)->problems.empty());
}

TEST(Fix, NamesEachChange) {
  auto result = fix(*parse("FROM a:1\nADD d.py /\nRUN apk add c"));
  EXPECT_THAT(result.changes,
              testing::ElementsAre("line 2: DL3020: ADD became COPY", "line 3: DL3019: added --no-cache"));
}

TEST(Diff, ShowsLinesAsPatchReadsThem) {
  EXPECT_EQ(unified_diff("a\nb\nc\n", "a\nB\nc\n", "F"), "--- F\n+++ F\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
  EXPECT_EQ(unified_diff("a", "b", "F"),
            "--- F\n+++ F\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n");
  EXPECT_EQ(unified_diff("a\n", "a\n", "F"), "");
}

TEST(Diff, StartsANewHunkBehindAGap) {
  std::string before = "a\n", after = "A\n";
  for (int i = 0; i < 20; ++i) before += "x\n", after += "x\n";
  auto diff = unified_diff(before + "b\n", after + "B\n", "F");
  EXPECT_THAT(diff, testing::HasSubstr("@@ -1,4 +1,4 @@"));
  EXPECT_THAT(diff, testing::HasSubstr("@@ -19,4 +19,4 @@"));
}

}  // namespace
}  // namespace pratique::lint
