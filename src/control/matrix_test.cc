// Who may ask for what: one row a route, one column a person. A route without a row fails the test.
#include <set>

#include "base/text.h"
#include "control/impl.h"
#include "control/test_control.h"

namespace pratique::control::testing {
namespace {

// What a person gets: '-' 401, 'x' 403, '0' 404 (not for them to know), '+' anything else: the question is looked at.
// The columns: nobody, ann (whose things these are), sam (another submitter), ron (runner), bea (reviewer), root
// (administrator), and temporary keys of ann's.
constexpr std::string_view kColumns = "nobody ann sam ron bea root keys";

struct Row {
  std::string_view method;
  std::string_view pattern;
  std::string_view expected;  // a character a column
};

constexpr Row kMatrix[] = {
    {"GET", "/api/v1/version", "+++++++"},
    {"GET", "/api/v1/sign-in", "+++++++"},
    {"POST", "/api/v1/sign-in/oidc", "0000000"},
    {"POST", "/api/v1/sign-in/workload", "+++++++"},
    {"GET", "/credentials/{link}", "0000000"},
    {"POST", "/credentials/{link}", "0000000"},
    {"GET", "/api/v1/whoami", "-+++++x"},
    {"GET", "/api/v1/submissions", "-+++++x"},
    {"GET", "/api/v1/submissions/{id}", "-+00++x"},
    {"GET", "/api/v1/submissions/{id}/report", "-+00++x"},
    {"GET", "/reports/{id}", "-+00++x"},
    {"POST", "/api/v1/submissions/{id}/approve", "-xxx++x"},
    {"POST", "/api/v1/submissions/{id}/reject", "-xxx++x"},
    {"GET", "/api/v1/submissions/{id}/explain", "-+00++x"},
    {"POST", "/api/v1/policy/test", "-xxx++x"},
    {"GET", "/api/v1/bases", "-00000x"},  // none are kept here
    {"POST", "/api/v1/bases", "-xxxx+x"},
    {"POST", "/api/v1/bases/star", "-xxxx+x"},
    {"POST", "/api/v1/bases/remove", "-xxxx+x"},
    {"POST", "/api/v1/bases/import", "-xxxx0x"},
    {"GET", "/api/v1/waivers", "-xxx++x"},
    {"POST", "/api/v1/waivers", "-xxx++x"},
    {"GET", "/api/v1/users", "-xxxx+x"},
    {"POST", "/api/v1/users", "-xxxx+x"},
    {"PUT", "/api/v1/users/{name}/password", "-+xxx+x"},
    {"PUT", "/api/v1/users/{name}/roles", "-xxxx+x"},
    {"POST", "/api/v1/users/{name}/disable", "-xxxx0x"},
    {"POST", "/api/v1/users/{name}/enable", "-xxxx0x"},
    {"GET", "/api/v1/requests", "-+++++x"},
    {"POST", "/api/v1/requests", "-+++++x"},
    {"GET", "/api/v1/requests/{id}", "-+00++x"},
    {"POST", "/api/v1/requests/{id}/grant", "-xxx++x"},
    {"POST", "/api/v1/requests/{id}/deny", "-xxx++x"},
    {"POST", "/api/v1/requests/{id}/revoke", "-xxx++x"},
    {"POST", "/api/v1/requests/{id}/close", "-+0000x"},
    {"POST", "/api/v1/requests/{id}/credentials", "-+0000x"},
    {"GET", "/api/v1/api-keys", "-+++++x"},
    {"POST", "/api/v1/api-keys", "-+++++x"},
    {"POST", "/api/v1/api-keys/{id}/revoke", "-+000+x"},
    {"POST", "/api/v1/keys/rotate", "-xxxx+x"},
    {"POST", "/api/v1/aws/keys", "-+++++x"},
    {"POST", "/api/v1/upkeep/collection", "-xxxx0x"},  // without upkeep there is nothing to ask for
    {"GET", "/api/v1/upkeep/collection", "-xxxx0x"},
    {"POST", "/api/v1/upkeep/scrub", "-xxxx0x"},
    {"GET", "/api/v1/upkeep/scrub", "-xxxx0x"},
    {"GET", "/api/v1/upkeep/usage", "-xxxx+x"},
    {"GET", "/api/v1/journal", "-xxx++x"},
    {"GET", "/api/v1/journal/verify", "-xxx++x"},
    {"GET", "/api/v1/admissions", "-+++++x"},
    {"POST", "/api/v1/runs", "-xx+x+x"},
};

class MatrixTest : public ControlTest {
 protected:
  MatrixTest() {
    for (const char* name : {"ann", "sam", "ron", "bea", "root"}) ensure_user(name);
    submission_ = push("ann");
    request_ = send("POST", "/api/v1/requests", "ann", R"({"purpose":"x","window":"asap","acknowledged":true})")
                   .json["id"]
                   .text();
    key_ =
        api_keys_->issue(users_.at("ann"), {.label = "x", .roles = {identity::Role::Submitter}, .lifetime = hours(24)})
            ->key.id;
    auto keys = identity_->issue_session(identity::SessionRequest{.user = "ann", .repository = "staging/ann"}).value();
    auto session = identity_->find_session(keys.access_key_id)->value();
    keys_ = "Bearer " + identity_->issue_token(*session.principal)->secret;
  }
  std::string target_of(std::string_view pattern) const {
    std::string id = contains(pattern, "/requests/") ? request_ : contains(pattern, "/api-keys/") ? key_ : submission_;
    // Nobody is disabled here: the others still have questions to ask.
    std::string name = pattern.ends_with("able") ? "zed" : "ann";
    return replace_all(replace_all(replace_all(pattern, "{id}", id), "{name}", name), "{link}", "prl_none");
  }
  char outcome(const Row& row, std::string_view column) {
    Question question{.method = std::string(row.method), .target = target_of(row.pattern), .body = "{}"};
    if (column == "keys")
      question.authorization = keys_;
    else if (column != "nobody")
      question.user = column;
    int status = ask(question).status;
    return status == 401 ? '-' : status == 403 ? 'x' : status == 404 ? '0' : '+';
  }

  std::string submission_, request_, key_, keys_;
};

TEST_F(MatrixTest, EverybodyMayWhatTheTableSaysAndNothingElse) {
  for (const Row& row : kMatrix) {
    std::string found;
    for (std::string_view column : split(kColumns, ' ')) found += outcome(row, column);
    EXPECT_EQ(found, row.expected) << row.method << " " << row.pattern;
  }
}

TEST_F(MatrixTest, EveryRouteIsInTheTable) {
  std::set<std::string> listed, served;
  for (const Row& row : kMatrix) listed.insert(format("{} {}", row.method, row.pattern));
  for (const auto& route : routes()) served.insert(format("{} {}", route.method, route.pattern));
  for (const auto& route : open_routes()) served.insert(format("{} {}", route.method, route.pattern));
  EXPECT_EQ(listed, served);
}

}  // namespace
}  // namespace pratique::control::testing
