#include "cli/mail.h"

#include <gtest/gtest.h>

namespace pratique::cli {
namespace {

constexpr std::string_view kMail = R"(From: ann@example.org
Subject: credentials

Hello,
> BRH login e-mail or ORCID: ann@example.org
> Purpose: torch: version 2 on a GPU
> I understand that the credentials last one hour: Yes
> Delivery (tomorrow morning, afternoon, as soon as possible): tomorrow morning
Thanks: Ann
)";

TEST(ParseMail, FindsTheTemplateInAnAnswer) {
  auto request = parse_mail(kMail).value();
  EXPECT_EQ(request, (MailedRequest{"ann@example.org", "torch: version 2 on a GPU", "tomorrow morning", true}));
}

TEST(ParseMail, TakesAnEmptyTemplateForNoAnswers) {
  EXPECT_EQ(parse_mail(mail_template()).value(), MailedRequest{});
  EXPECT_EQ(parse_mail("").value(), MailedRequest{});
}

TEST(ParseMail, ReadsTheTemplateItPrintsOnceFilledIn) {
  std::string filled(mail_template());
  for (const char* answer : {"asap", "yes", "x", "0000-0002-1825-0097"})
    filled.insert(filled.rfind(": \n") + 2, answer);
  EXPECT_EQ(parse_mail(filled).value(), (MailedRequest{"0000-0002-1825-0097", "x", "asap", true}));
}

TEST(ParseMail, RefusesWhatHasTwoReadings) {
  for (const char* bad : {"Purpose: a\nPurpose: b\n", "Login: a\nORCID: b\n", "Delivery: asap\nDelivery: afternoon\n",
                          "I understand: yes\nI understand: no\n", "I understand: perhaps\n"})
    EXPECT_EQ(parse_mail(bad).error().kind(), ErrorKind::Invalid) << bad;
  EXPECT_EQ(parse_mail(std::string(kMailBytesMax + 1, 'x')).error().kind(), ErrorKind::Limit);
}

TEST(ParseMail, PassesOverProse) {
  std::string prose =
      "My purpose in life, as I have often said in letters that nobody reads to their end because they "
      "are simply far too long, is this: x\n";
  EXPECT_EQ(parse_mail(prose).value(), MailedRequest{});
  EXPECT_FALSE(parse_mail("I understand: no\n").value().is_acknowledged);
}

}  // namespace
}  // namespace pratique::cli
