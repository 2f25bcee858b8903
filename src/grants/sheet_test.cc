#include <gtest/gtest.h>

#include "base/text.h"
#include "grants/grants.h"

namespace pratique::grants {
namespace {

std::string sheet(Shell shell) {
  Time now = *Time::parse("2026-11-20T12:00:00Z");
  Credentials credentials{.request = {.repository = "nextflow-staging/ann"},
                          .keys = {.access_key_id = "ASIAEXAMPLE",
                                   .secret = "se/cr+et",
                                   .session_token = "to/ke+n==",
                                   .issued = now,
                                   .expires = now + seconds(3600)}};
  SheetContext context{
      .registry_host = "g.test", .region = "us-east-1", .endpoint_url = "https://g.test", .now = now + seconds(1)};
  return credential_sheet(credentials, context, shell);
}

TEST(CredentialSheet, IsTheOneThatTheDocumentationShows) {
  EXPECT_EQ(sheet(Shell::Posix), R"(ECR Repository URI: g.test/nextflow-staging/ann

These are temporary credentials that will expire in 3599 seconds, at 2026-11-20T13:00:00Z (UTC).
Start your push before then; a push that has started may finish.

Please run the following commands to set your AWS credentials:

export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'
export AWS_SECRET_ACCESS_KEY='se/cr+et'
export AWS_SESSION_TOKEN='to/ke+n=='
export AWS_DEFAULT_REGION='us-east-1'
export AWS_ENDPOINT_URL='https://g.test'
# aws-cli before 2.13 does not read AWS_ENDPOINT_URL: run `pratique aws-setup` once instead.

After setting credentials you will need to log in to your docker registry. Please run the following command:

aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin g.test/nextflow-staging/ann

Tag your image with the repository URI and a tag of your choice; the tag travels with the image:

docker tag <local-image>:<local-tag> g.test/nextflow-staging/ann:<tag>

You can push docker images to this repository using the following command:

docker push g.test/nextflow-staging/ann:<tag>
)");
}

TEST(CredentialSheet, SpeaksTheLanguagesOfWindows) {
  EXPECT_TRUE(contains(sheet(Shell::Cmd), "\nset AWS_SECRET_ACCESS_KEY=se/cr+et\n"));
  EXPECT_TRUE(contains(sheet(Shell::Cmd), "\nrem aws-cli"));
  EXPECT_TRUE(contains(sheet(Shell::PowerShell), "\n$Env:AWS_SESSION_TOKEN='to/ke+n=='\n"));
  for (Shell shell : {Shell::Cmd, Shell::PowerShell}) EXPECT_FALSE(contains(sheet(shell), "export "));
}

}  // namespace
}  // namespace pratique::grants
