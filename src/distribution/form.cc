#include "distribution/form.h"

#include "base/encoding.h"
#include "base/text.h"

namespace pratique::distribution {

namespace {

// A token request has six fields and perhaps some scopes.
constexpr std::size_t kFieldsMax = 256;

Result<std::string> decode(std::string_view text) {
  return percent_decode(replace_all(text, "+", " "));
}

}  // namespace

std::string Form::value(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string> Form::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : fields) {
    if (key == name) found.push_back(value);
  }
  return found;
}

Result<Form> parse_form(std::string_view text) {
  Form form;
  for (const auto piece : split(text, '&')) {
    if (piece.empty()) continue;
    if (form.fields.size() == kFieldsMax) return over_limit("a form with more than 256 fields");
    const auto parts = cut(piece, "=").value_or(std::pair(piece, std::string_view()));
    std::string name = TRY(decode(parts.first));
    std::string value = TRY(decode(parts.second));
    form.fields.emplace_back(std::move(name), std::move(value));
  }
  return form;
}

}  // namespace pratique::distribution
