// Printing for commands: text, JSON and tables on standard output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pratique::cli {

void print(std::string_view text);       // standard output
void print_note(std::string_view text);  // standard error
// Columns are as wide as their widest cell, two spaces apart; cells are made printable.
std::string render_table(const std::vector<std::string>& heads, const std::vector<std::vector<std::string>>& rows,
                         bool colour);
// Lines from elsewhere, without anything in them that steers a terminal.
std::string printable_lines(std::string_view text);
// A password typed without echo, or the first line of standard input when it is no terminal.
std::string read_password(std::string_view prompt);

}  // namespace pratique::cli
