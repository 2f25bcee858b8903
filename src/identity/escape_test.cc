#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/text.h"
#include "identity/identity.h"

namespace pratique::identity {
namespace {

// [a-z0-9]+((\.|_|-)[a-z0-9]+)*: the strictest of the grammars in use (ECR allows no doubled separators).
bool is_legal_component(std::string_view text) {
  auto is_alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  bool after_separator = true;
  for (char c : text) {
    if (is_alphanumeric(c)) {
      after_separator = false;
    } else {
      if (after_separator || (c != '.' && c != '_' && c != '-')) return false;
      after_separator = true;
    }
  }
  return !text.empty() && !after_separator;
}

struct Vector {
  std::string name;
  std::string component;
};

// The first three and "ann" are escapism's own output, byte for byte.
const Vector kVectors[] = {
    {"user1@username.com", "user1-40username-2ecom"},
    {"a_b+c@uni.ac.uk", "a-5fb-2bc-40uni-2eac-2euk"},
    {"0000-0002-1825-0097", "0000-2d0002-2d1825-2d0097"},
    {"ann", "ann"},
    {"o'neill", "o-27neill"},
    {"jos\u00e9", "jos-e9"},
    {"a-b", "a-2db"},
    {"a-", "a-2d"},
    {"John.Smith@x.org", "u_4aohn-2e-53mith-40x-2eorg"},
    {"\u00e9@x.org", "u_e9-40x-2eorg"},
    {"-", "u_2d"},
    {"u_41nn", "u-5f41nn"},
    {"a\u05fb", "b_0c7brm"},
    {"\u5f20\u4f1f", "b_0smua1p5sjs"},
    {"", "b_0"},
};

TEST(EscapeUserName, GivesTheDocumentedComponents) {
  for (const auto& [name, component] : kVectors) EXPECT_EQ(escape_user_name(name), component) << name;
}

TEST(EscapeUserName, IsLegalAndReversibleForEveryVector) {
  for (const auto& [name, component] : kVectors) {
    EXPECT_TRUE(is_legal_component(escape_user_name(name))) << name;
    EXPECT_EQ(unescape_user_name(component).value(), name);
  }
}

TEST(EscapeUserName, TellsApartWhatTheOriginalConfuses) {
  EXPECT_NE(escape_user_name("a_b"), escape_user_name("a\u05fb"));  // both "a-5fb" there
  EXPECT_NE(escape_user_name("."), escape_user_name("\x2e\x20"));
}

TEST(EscapeUserName, StaysShortEnoughForTheLongestName) {
  for (char c : {'a', 'A', '.', '\xff'}) {
    std::string name(kUserNameBytesMax, c);
    EXPECT_LE(escape_user_name(name).size(), kComponentBytesMax) << c;
    EXPECT_TRUE(is_legal_component(escape_user_name(name))) << c;
    EXPECT_EQ(unescape_user_name(escape_user_name(name)).value(), name);
  }
  // The longest that is still plain, and one more.
  EXPECT_EQ(escape_user_name("a" + std::string(69, '.')).size(), 208u);
  EXPECT_TRUE(escape_user_name("a" + std::string(70, '.')).starts_with("b_0"));
}

TEST(EscapeUserName, IsUniqueLegalAndReversibleForRandomNames) {
  std::mt19937 random(1);
  const std::string_view alphabets[] = {"ab", "aA_-.@0", "u_b0-4\xc3\xa9", "\x01\x7f\xff\xc2\xe2\x82\xac:/ Zz9"};
  std::set<std::string> names, components;
  for (int i = 0; i < 50'000; ++i) {
    std::string_view alphabet = alphabets[random() % std::size(alphabets)];
    std::string name(random() % (i % 50 == 0 ? kUserNameBytesMax + 1 : 9), '\0');
    for (char& c : name) c = alphabet[random() % alphabet.size()];
    std::string component = escape_user_name(name);
    ASSERT_TRUE(is_legal_component(component)) << printable(name) << " → " << component;
    ASSERT_LE(component.size(), kComponentBytesMax);
    ASSERT_EQ(unescape_user_name(component).value(), name);
    names.insert(name);
    components.insert(component);
  }
  EXPECT_EQ(names.size(), components.size());
}

TEST(UnescapeUserName, RefusesWhatNoNameEscapesTo) {
  for (std::string_view bad : {"",     "-",        "-41nn",    "a-",     "a-4",   "a-4g",  "a-4A", "A",   "a_b",
                               "a.b",  "u_",       "u_4",      "u_61nn", "a-61",  "u_ann", "b_",   "b_1", "b_0c7brn",
                               "b_0c", "b_0c5h66", "b_0C7BRM", "b_0w",   "a--2e", "u_-41", "a/b"})
    EXPECT_EQ(unescape_user_name(bad).error().kind(), ErrorKind::Invalid) << bad;
}

TEST(Principal, CarriesItsComponent) {
  Principal system = make_system_principal();
  EXPECT_EQ(system.name(), "system");
  EXPECT_EQ(system.repository_component(), "system");
  EXPECT_TRUE(system.roles().empty());
}

}  // namespace
}  // namespace pratique::identity
