#include "distribution/form.h"

#include <gtest/gtest.h>

namespace pratique::distribution {
namespace {

TEST(Form, DecodesNamesAndValues) {
  const auto form = parse_form("username=ann%2Eb&password=a+b%26%3D&scope=x&scope=y&empty=&bare");
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->value("username"), "ann.b");
  EXPECT_EQ(form->value("password"), "a b&=");
  EXPECT_EQ(form->values("scope"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(form->value("empty"), "");
  EXPECT_EQ(form->value("absent"), "");
  EXPECT_EQ(form->fields.size(), 6U);
}

TEST(Form, OfNothingIsEmpty) {
  EXPECT_TRUE(parse_form("")->fields.empty());
  EXPECT_TRUE(parse_form("&&")->fields.empty());
}

TEST(Form, RefusesBrokenEscapes) {
  for (const std::string_view text : {"a=%", "a=%4", "%zz=1", "a=%g0"}) EXPECT_FALSE(parse_form(text).ok()) << text;
}

TEST(Form, RefusesMoreFieldsThanAnybodySends) {
  std::string text;
  for (int i = 0; i < 256; ++i) text += "a&";
  EXPECT_TRUE(parse_form(text).ok());
  EXPECT_EQ(parse_form(text + "a").error().kind(), ErrorKind::Limit);
}

}  // namespace
}  // namespace pratique::distribution
