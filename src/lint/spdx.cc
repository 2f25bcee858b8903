#include "lint/spdx.h"

#include "base/text.h"

namespace pratique::lint {

namespace {

constexpr std::string_view kLicences[] = {"0BSD",
                                          "AAL",
                                          "AFL-1.1",
                                          "AFL-1.2",
                                          "AFL-2.0",
                                          "AFL-2.1",
                                          "AFL-3.0",
                                          "AGPL-1.0-only",
                                          "AGPL-1.0-or-later",
                                          "AGPL-3.0",
                                          "AGPL-3.0-only",
                                          "AGPL-3.0-or-later",
                                          "Apache-1.0",
                                          "Apache-1.1",
                                          "Apache-2.0",
                                          "APSL-2.0",
                                          "Artistic-1.0",
                                          "Artistic-1.0-Perl",
                                          "Artistic-2.0",
                                          "BlueOak-1.0.0",
                                          "BSD-1-Clause",
                                          "BSD-2-Clause",
                                          "BSD-2-Clause-Patent",
                                          "BSD-3-Clause",
                                          "BSD-3-Clause-Clear",
                                          "BSD-3-Clause-LBNL",
                                          "BSD-4-Clause",
                                          "BSL-1.0",
                                          "BUSL-1.1",
                                          "bzip2-1.0.6",
                                          "CAL-1.0",
                                          "CC-BY-1.0",
                                          "CC-BY-2.0",
                                          "CC-BY-2.5",
                                          "CC-BY-3.0",
                                          "CC-BY-4.0",
                                          "CC-BY-NC-3.0",
                                          "CC-BY-NC-4.0",
                                          "CC-BY-NC-ND-4.0",
                                          "CC-BY-NC-SA-4.0",
                                          "CC-BY-ND-4.0",
                                          "CC-BY-SA-3.0",
                                          "CC-BY-SA-4.0",
                                          "CC0-1.0",
                                          "CDDL-1.0",
                                          "CDDL-1.1",
                                          "CECILL-2.0",
                                          "CECILL-2.1",
                                          "CECILL-B",
                                          "CECILL-C",
                                          "CPL-1.0",
                                          "curl",
                                          "ECL-2.0",
                                          "EFL-2.0",
                                          "Elastic-2.0",
                                          "EPL-1.0",
                                          "EPL-2.0",
                                          "EUPL-1.0",
                                          "EUPL-1.1",
                                          "EUPL-1.2",
                                          "FSFAP",
                                          "FTL",
                                          "GFDL-1.1-only",
                                          "GFDL-1.2-only",
                                          "GFDL-1.3-only",
                                          "GFDL-1.3-or-later",
                                          "GPL-1.0-only",
                                          "GPL-1.0-or-later",
                                          "GPL-2.0",
                                          "GPL-2.0+",
                                          "GPL-2.0-only",
                                          "GPL-2.0-or-later",
                                          "GPL-3.0",
                                          "GPL-3.0+",
                                          "GPL-3.0-only",
                                          "GPL-3.0-or-later",
                                          "HPND",
                                          "ICU",
                                          "IJG",
                                          "ImageMagick",
                                          "Intel",
                                          "IPL-1.0",
                                          "ISC",
                                          "JSON",
                                          "LGPL-2.0-only",
                                          "LGPL-2.0-or-later",
                                          "LGPL-2.1",
                                          "LGPL-2.1-only",
                                          "LGPL-2.1-or-later",
                                          "LGPL-3.0",
                                          "LGPL-3.0-only",
                                          "LGPL-3.0-or-later",
                                          "Libpng",
                                          "libpng-2.0",
                                          "libtiff",
                                          "LPPL-1.3c",
                                          "MIT",
                                          "MIT-0",
                                          "MIT-CMU",
                                          "MIT-Modern-Variant",
                                          "MPL-1.0",
                                          "MPL-1.1",
                                          "MPL-2.0",
                                          "MPL-2.0-no-copyleft-exception",
                                          "MS-PL",
                                          "MS-RL",
                                          "MulanPSL-2.0",
                                          "NASA-1.3",
                                          "NCSA",
                                          "NIST-PD",
                                          "NLOD-1.0",
                                          "NTP",
                                          "ODbL-1.0",
                                          "ODC-By-1.0",
                                          "OFL-1.0",
                                          "OFL-1.1",
                                          "OGL-UK-1.0",
                                          "OGL-UK-2.0",
                                          "OGL-UK-3.0",
                                          "OLDAP-2.8",
                                          "OpenSSL",
                                          "OSL-2.1",
                                          "OSL-3.0",
                                          "PDDL-1.0",
                                          "PHP-3.0",
                                          "PHP-3.01",
                                          "PostgreSQL",
                                          "PSF-2.0",
                                          "Python-2.0",
                                          "Python-2.0.1",
                                          "QPL-1.0",
                                          "Ruby",
                                          "Sleepycat",
                                          "SSPL-1.0",
                                          "TCL",
                                          "Unicode-3.0",
                                          "Unicode-DFS-2015",
                                          "Unicode-DFS-2016",
                                          "Unlicense",
                                          "UPL-1.0",
                                          "Vim",
                                          "W3C",
                                          "WTFPL",
                                          "X11",
                                          "Xnet",
                                          "Zlib",
                                          "zlib-acknowledgement",
                                          "ZPL-2.0",
                                          "ZPL-2.1"};
constexpr std::string_view kExceptions[] = {
    "Autoconf-exception-2.0",  "Autoconf-exception-3.0", "Bison-exception-2.2",       "Bootloader-exception",
    "Classpath-exception-2.0", "GCC-exception-2.0",      "GCC-exception-3.1",         "LLVM-exception",
    "Linux-syscall-note",      "OpenSSL-exception",      "openvpn-openssl-exception", "Qt-GPL-exception-1.0",
    "u-boot-exception-2.0"};
constexpr int kNestingMax = 16;  // no licence needs more parentheses

class Expression {
 public:
  explicit Expression(std::string_view text) : rest_(text) {}
  bool is_valid() { return sum(0) && next().empty(); }

 private:
  std::string_view next() const {
    std::string_view rest = trim(rest_);
    if (rest.empty() || rest[0] == '(' || rest[0] == ')') return rest.substr(0, 1);
    return rest.substr(0, rest.find_first_of(" \t()"));
  }
  std::string_view take() {
    std::string_view word = next();
    rest_ = trim(rest_).substr(word.size());
    return word;
  }
  bool sum(int depth) {
    if (!term(depth)) return false;
    while (next() == "AND" || next() == "OR" || next() == "and" || next() == "or") {
      take();
      if (!term(depth)) return false;
    }
    return true;
  }
  bool term(int depth) {
    if (depth > kNestingMax) return false;
    std::string_view word = take();
    if (word == "(") return sum(depth + 1) && take() == ")";
    if (!is_licence(word)) return false;
    if (next() != "WITH") return true;
    take();
    return is_in(kExceptions, take());
  }
  template <std::size_t n>
  static bool is_in(const std::string_view (&known)[n], std::string_view word) {
    for (auto one : known)
      if (equals_ignoring_case(one, word)) return true;
    return false;
  }
  static bool is_licence(std::string_view word) {
    if (word.starts_with("LicenseRef-") || word.starts_with("DocumentRef-")) return word.size() > 11;
    return is_in(kLicences, word) || (word.ends_with('+') && is_in(kLicences, word.substr(0, word.size() - 1)));
  }

  std::string_view rest_;
};

}  // namespace

bool is_spdx_expression(std::string_view text) {
  return Expression(text).is_valid();
}

}  // namespace pratique::lint
