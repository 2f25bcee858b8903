// What one setting of the configuration file is: its key, its form, its default, its meaning, and where it goes. The
// table of all settings (config_table.cc) is read by the parser, the reference page, the manual page and `admin config
// show`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/result.h"
#include "base/text.h"
#include "base/yaml.h"

namespace pratique::daemon {

// The part that people read.
struct SettingPage {
  std::string key;      // "limits.connections": groups nest by dots
  std::string form;     // "whole number of seconds"
  std::string range;    // "1 … 3600"; "" where every value of the form goes
  std::string unset;    // what holds when it is not given and has no default of its own
  std::string meaning;  // a phrase without full stop
  std::string notes;    // whole sentences, where a phrase is not enough
  bool reloads = false;
  bool secret = false;
  bool is_required = false;
  std::vector<SettingPage> items;  // of a list of mappings
};

template <typename Target>
struct Setting {
  SettingPage page;
  // The error is the rest of a sentence that begins with the key. `file` is what relative paths are taken from.
  std::function<Status(const Yaml& given, Target& target, const std::string& file)> read;
  std::function<std::string(const Target& target)> show;

  Setting when_unset(std::string_view text) && { return page.unset = text, std::move(*this); }
  Setting form(std::string_view text) && { return page.form = text, std::move(*this); }
  Setting notes(std::string_view text) && { return page.notes = text, std::move(*this); }
  // Takes effect on SIGHUP.
  Setting reloads() && { return page.reloads = true, std::move(*this); }
  Setting required() && { return page.is_required = true, std::move(*this); }
  // Never shown.
  Setting secret() && { return page.secret = true, std::move(*this); }
};

struct Range {
  long long lowest = 0, highest = 0;
};

template <typename Value>
using Choices = std::vector<std::pair<std::string_view, Value>>;

// Where each given value came from: key → "pratique.yaml line 7".
using Origins = std::map<std::string, std::string>;

SettingPage page_of(std::string_view key, std::string_view form, std::string_view meaning, std::string range = "");
std::string beside(const std::string& file, const std::string& path);  // relative paths from the file's place
Result<std::string> scalar_of(const Yaml& given);
Result<long long> number_of(const Yaml& given, Range range);
// "500", "64K", "8M", "10G", "2T": bytes, by powers of 1024.
Result<long long> size_of(const Yaml& given, Range range);
std::string size_text(long long bytes);
Result<std::vector<std::string>> list_of_text(const Yaml& given);
// "a, b or c"
std::string alternatives(const std::vector<std::string>& words);
Error no_such_setting(std::string_view given, const std::vector<std::string>& known);

namespace detail {

template <typename Value>
struct IsDuration : std::false_type {};
template <typename Rep, typename Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::true_type {};
template <typename Value>
struct IsOptional : std::false_type {};
template <typename Value>
struct IsOptional<std::optional<Value>> : std::true_type {};

template <typename Value, typename Unit>
Value from_count(long long count) {
  if constexpr (IsDuration<Value>::value)
    return std::chrono::duration_cast<Value>(Unit(count));
  else if constexpr (IsOptional<Value>::value)
    return from_count<typename Value::value_type, Unit>(count);
  else
    return static_cast<Value>(count);
}

template <typename Unit, typename Value>
std::optional<long long> to_count(const Value& value) {
  if constexpr (IsDuration<Value>::value)
    return std::chrono::duration_cast<Unit>(value).count();
  else if constexpr (IsOptional<Value>::value)
    return value ? to_count<Unit>(*value) : std::nullopt;
  else
    return static_cast<long long>(value);
}

template <typename Target, typename Unit, typename At>
Setting<Target> counted(std::string_view key, At at, Range range, std::string_view form, std::string_view meaning) {
  using Value = std::remove_cvref_t<decltype(at(std::declval<Target&>()))>;
  return {page_of(key, form, meaning, format("{} … {}", range.lowest, range.highest)),
          [at, range](const Yaml& given, Target& target, const std::string&) -> Status {
            at(target) = from_count<Value, Unit>(TRY(number_of(given, range)));
            return {};
          },
          [at](const Target& target) {
            auto count = to_count<Unit>(at(target));
            return count ? format("{}", *count) : std::string();
          }};
}

}  // namespace detail

// The forms of a setting. `at` gives the place in the target: see AT in config_table.cc. A place may be std::optional.
template <typename Target>
struct Forms {
  using Made = Setting<Target>;

  template <typename At>
  static Made number(std::string_view key, At at, Range range, std::string_view meaning) {
    return detail::counted<Target, std::chrono::seconds>(key, at, range, "whole number", meaning);
  }
  template <typename At>  // into any std::chrono duration
  static Made in_seconds(std::string_view key, At at, Range range, std::string_view meaning) {
    return detail::counted<Target, std::chrono::seconds>(key, at, range, "whole number of seconds", meaning);
  }
  template <typename At>
  static Made in_hours(std::string_view key, At at, Range range, std::string_view meaning) {
    return detail::counted<Target, std::chrono::hours>(key, at, range, "whole number of hours", meaning);
  }
  template <typename At>
  static Made in_days(std::string_view key, At at, Range range, std::string_view meaning) {
    return detail::counted<Target, std::chrono::days>(key, at, range, "whole number of days", meaning);
  }
  template <typename At>
  static Made size(std::string_view key, At at, Range range, std::string_view meaning) {
    using Value = std::remove_cvref_t<decltype(at(std::declval<Target&>()))>;
    return {page_of(key, "size: bytes, or with K, M, G or T", meaning,
                    format("{} … {}", size_text(range.lowest), size_text(range.highest))),
            [at, range](const Yaml& given, Target& target, const std::string&) -> Status {
              at(target) = detail::from_count<Value, std::chrono::seconds>(TRY(size_of(given, range)));
              return {};
            },
            [at](const Target& target) {
              auto bytes = detail::to_count<std::chrono::seconds>(at(target));
              return bytes ? size_text(*bytes) : std::string();
            }};
  }
  template <typename At>
  static Made flag(std::string_view key, At at, std::string_view meaning) {
    return {page_of(key, "`true` or `false`", meaning),
            [at](const Yaml& given, Target& target, const std::string&) -> Status {
              auto value = given.as_bool();
              if (!value) return invalid("takes true or false");
              at(target) = *value;
              return {};
            },
            [at](const Target& target) { return std::string(at(target) ? "true" : "false"); }};
  }
  template <typename At>
  static Made text(std::string_view key, At at, std::string_view meaning) {
    return {page_of(key, "text", meaning),
            [at](const Yaml& given, Target& target, const std::string&) -> Status {
              at(target) = TRY(scalar_of(given));
              return {};
            },
            [at](const Target& target) { return std::string(at(target)); }};
  }
  template <typename At>
  static Made path(std::string_view key, At at, std::string_view meaning) {
    auto made = text(key, at, meaning).form("path");
    made.read = [at](const Yaml& given, Target& target, const std::string& file) -> Status {
      at(target) = beside(file, TRY(scalar_of(given)));
      return {};
    };
    return made;
  }
  template <typename At>
  static Made texts(std::string_view key, At at, std::string_view meaning) {
    return {page_of(key, "list of text", meaning),
            [at](const Yaml& given, Target& target, const std::string&) -> Status {
              at(target) = TRY(list_of_text(given));
              return {};
            },
            [at](const Target& target) { return "[" + join(at(target), ", ") + "]"; }};
  }
  template <typename At, typename Value>
  static Made choice(std::string_view key, At at, Choices<Value> choices, std::string_view meaning) {
    std::vector<std::string> words, quoted;
    for (const auto& [word, value] : choices) {
      words.emplace_back(word);
      quoted.push_back(format("`{}`", word));
    }
    return {page_of(key, alternatives(quoted), meaning),
            [at, choices, words](const Yaml& given, Target& target, const std::string&) -> Status {
              for (const auto& [word, value] : choices)
                if (given.scalar == word) return at(target) = value, Status();
              return invalid(format("takes {}, not \"{}\"", alternatives(words), printable(given.scalar)));
            },
            [at, choices](const Target& target) {
              for (const auto& [word, value] : choices)
                if (at(target) == value) return std::string(word);
              return std::string();
            }};
  }
  // A list of mappings. Items may have a member `line` that is told the item's line.
  template <typename At, typename Item>
  static Made items(std::string_view key, At at, const std::vector<Setting<Item>>& fields, std::string_view meaning);
};

// Reads the mapping's members by the table. Unknown keys are Invalid with the nearest known one; every message begins
// with `file` and the line. `group` is the dotted prefix inside the table; `shown` goes before keys in messages.
template <typename Target>
Status read_settings(const Yaml& yaml, const std::vector<Setting<Target>>& table, Target& target,
                     const std::string& file, Origins* origins, const std::string& shown = "",
                     const std::string& group = "") {
  if (yaml.kind == Yaml::Kind::Null && shown.empty()) return {};
  auto at_line = [&](int line) { return format("{} line {}", file, line); };
  if (yaml.kind != Yaml::Kind::Mapping)
    return invalid(format("{}: {}expected `key: value` lines", at_line(yaml.line),
                          group.empty() ? "" : group.substr(0, group.size() - 1) + ": "));
  for (const auto& member : yaml.members) {
    std::string key = group + member.key.scalar;
    const Setting<Target>* found = nullptr;
    bool is_group = false;
    for (const auto& setting : table) {
      if (setting.page.key == key) found = &setting;
      is_group = is_group || setting.page.key.starts_with(key + ".");
    }
    if (found) {
      auto outcome = found->read(member.value, target, file);
      // An item of a list has said where it is.
      if (!outcome.ok() && outcome.error().message().starts_with(file + " line ")) return outcome;
      if (!outcome.ok())
        return invalid(format("{}: {}{} {}", at_line(member.key.line), shown, key, outcome.error().message()));
      if (origins) (*origins)[key] = at_line(member.key.line);
    } else if (is_group) {
      TRY(read_settings(member.value, table, target, file, origins, shown, key + "."));
    } else {
      std::vector<std::string> known;
      for (const auto& setting : table) known.push_back(setting.page.key);
      return no_such_setting(key, known).with_context(at_line(member.key.line));
    }
  }
  for (const auto& setting : table)
    if (setting.page.is_required && group.empty() && !yaml.find(setting.page.key))
      return invalid(format("{}: {}{} is missing", at_line(yaml.line), shown, setting.page.key));
  return {};
}

template <typename Target>
template <typename At, typename Item>
Setting<Target> Forms<Target>::items(std::string_view key, At at, const std::vector<Setting<Item>>& fields,
                                     std::string_view meaning) {
  SettingPage page = page_of(key, "list", meaning);
  for (const auto& field : fields) page.items.push_back(field.page);
  auto read = [at, fields, name = std::string(key)](const Yaml& given, Target& target,
                                                    const std::string& file) -> Status {
    // None is a value only where none is the default: without namespaces there would be no gate.
    bool is_none = given.kind == Yaml::Kind::Sequence && given.items.empty();
    if (is_none && at(target).empty()) return {};
    if (given.items.empty()) return invalid("takes a list");
    at(target).clear();
    for (const auto& row : given.items) {
      Item item{};
      if constexpr (requires { item.line; }) item.line = row.line;
      TRY(read_settings(row, fields, item, file, nullptr, name + "[]."));
      at(target).push_back(std::move(item));
    }
    return {};
  };
  auto show = [at, fields](const Target& target) {
    std::vector<std::string> rows;
    for (const auto& item : at(target)) {
      std::vector<std::string> cells;
      for (const auto& field : fields)
        if (auto value = field.show(item); !value.empty())
          cells.push_back(format("{}: {}", field.page.key, field.page.secret ? "…" : value));
      rows.push_back("{" + join(cells, ", ") + "}");
    }
    return "[" + join(rows, ", ") + "]";
  };
  return {std::move(page), read, show};
}

}  // namespace pratique::daemon
