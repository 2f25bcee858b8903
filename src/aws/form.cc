// application/x-www-form-urlencoded, as the query protocol sends it: strictly, and each name once.
#include "aws/aws.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::aws {

namespace {

// AssumeRole with fifty tags is the longest real request.
constexpr std::size_t kFieldsMax = 200;

Result<std::string> decode(std::string_view text) {
  auto decoded = TRY(percent_decode(replace_all(text, "+", " ")));
  if (!is_utf8(decoded)) return invalid("the form is not UTF-8");
  return decoded;
}

}  // namespace

Result<Form> Form::parse(std::string_view text) {
  Form form;
  if (trim(text).empty()) return form;
  for (auto piece : split(text, '&')) {
    if (piece.empty()) continue;
    if (form.fields_.size() == kFieldsMax) return over_limit(format("a form has at most {} fields", kFieldsMax));
    auto pair = cut(piece, "=").value_or(std::pair(piece, std::string_view()));
    auto name = TRY(decode(pair.first));
    auto value = TRY(decode(pair.second));
    if (name.empty()) return invalid("a field of the form has no name");
    if (form.find(name)) return invalid(format("{} is given twice", printable(name, 80)));
    form.fields_.emplace_back(std::move(name), std::move(value));
  }
  return form;
}

const std::string* Form::find(std::string_view name) const {
  for (const auto& [key, value] : fields_)
    if (key == name) return &value;
  return nullptr;
}

std::string Form::value(std::string_view name) const {
  const auto* found = find(name);
  return found ? *found : std::string();
}

}  // namespace pratique::aws
