#include "run/tar.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "run/test_image.h"

namespace pratique::run {
namespace {

ByteSource source_of(const std::string& bytes, std::size_t& at, std::size_t piece = 1 << 20) {
  return [&bytes, &at, piece](std::span<std::byte> buffer) -> Result<std::size_t> {
    auto count = std::min({buffer.size(), bytes.size() - at, piece});
    std::memcpy(buffer.data(), bytes.data() + at, count);
    at += count;
    return count;
  };
}

struct Listing {
  std::string text;  // "name(content) " each, or the error
  std::optional<ErrorKind> error;
};

Listing list(const std::string& bytes, std::size_t piece = 1 << 20) {
  Listing listing;
  std::size_t at = 0;
  TarReader tar(source_of(bytes, at, piece));
  for (;;) {
    auto entry = tar.next();
    if (!entry) return {listing.text + entry.error().message(), entry.error().kind()};
    if (!*entry) return listing;
    std::string content;
    std::array<std::byte, 100> buffer;
    for (;;) {
      auto got = tar.read(buffer);
      if (!got) return {listing.text + got.error().message(), got.error().kind()};
      if (*got == 0) break;
      content += as_text(std::span(buffer).first(*got));
    }
    listing.text += format("{}({}{}) ", (*entry)->name, (*entry)->link.empty() ? "" : "-> " + (*entry)->link, content);
  }
}

TEST(tar, lists_names_links_and_contents_whatever_the_pieces) {
  auto bytes = TarBuilder().directory("d/").file("d/f", "hello").link("d/h", "d/f").symlink("s", "/x").done();
  for (std::size_t piece : {1, 7, 511, 512, 513, 1 << 20}) {
    EXPECT_EQ(list(bytes, piece).text, "d/() d/f(hello) d/h(-> d/f) s(-> /x) ") << piece;
  }
}

TEST(tar, skips_what_was_not_read) {
  auto bytes = TarBuilder().file("a", std::string(5000, 'x')).file("b", "y").done();
  std::size_t at = 0;
  TarReader tar(source_of(bytes, at));
  EXPECT_EQ(tar.next().value()->name, "a");
  EXPECT_EQ(tar.next().value()->name, "b");
}

TEST(tar, reads_attributes) {
  auto bytes = TarBuilder().add('0', "f", "x", "", 04751, 1000).done();
  std::size_t at = 0;
  auto entry = TarReader(source_of(bytes, at)).next().value();
  EXPECT_EQ(entry->mode, 04751u);
  EXPECT_EQ(entry->uid, 1000u);
  EXPECT_EQ(entry->modified, 1'700'000'000);
}

TEST(tar, accepts_an_end_without_zeros_and_with_one_block) {
  auto bytes = TarBuilder().file("f", "x").unfinished();
  EXPECT_EQ(list(bytes).text, "f(x) ");
  EXPECT_EQ(list(bytes + std::string(512, '\0') + "garbage").text, "f(x) ");
  EXPECT_EQ(list("").text, "");
}

TEST(tar, joins_the_ustar_prefix) {
  EXPECT_EQ(list(TarBuilder().file("f", "").patch(345, "some/where").done()).text, "some/where/f() ");
}

TEST(tar, takes_long_names_of_gnu_and_pax) {
  std::string name(300, 'n'), link(200, 'l');
  auto gnu =
      TarBuilder().add('L', "././@LongLink", name + '\0').add('K', "././@LongLink", link + '\0').symlink("x", "y");
  EXPECT_EQ(list(gnu.done()).text, format("{}(-> {}) ", name, link));
  auto pax = TarBuilder().pax({{"path", name}, {"linkpath", link}, {"comment", "c"}}).symlink("x", "y");
  EXPECT_EQ(list(pax.done()).text, format("{}(-> {}) ", name, link));
}

TEST(tar, takes_sizes_owners_and_times_of_pax) {
  auto bytes = TarBuilder()
                   .pax({{"size", "5"}, {"uid", "70000"}, {"gid", "7"}, {"mtime", "12.5"}})
                   .header('0', "f", 0)
                   .raw("hello")
                   .done();
  std::size_t at = 0;
  TarReader tar(source_of(bytes, at));
  auto entry = tar.next().value();
  EXPECT_EQ(entry->size, 5u);
  EXPECT_EQ(entry->uid, 70'000u);
  EXPECT_EQ(entry->gid, 7u);
  EXPECT_EQ(entry->modified, 12);
  EXPECT_EQ(tar.next().value(), std::nullopt);
}

TEST(tar, global_headers_change_no_entry) {
  auto bytes = TarBuilder().add('g', "x", "13 path=evil\n").file("f", "x").done();
  EXPECT_EQ(list(bytes).text, "f(x) ");
}

TEST(tar, links_and_directories_have_no_content_whatever_they_claim) {
  auto bytes =
      TarBuilder().header('1', "h", 999, "f").header('5', "d", 999).header('2', "s", 999, "t").file("f", "x").done();
  EXPECT_EQ(list(bytes).text, "h(-> f) d() s(-> t) f(x) ");
}

TEST(tar, reads_old_gnu_sparse_files) {
  TarBuilder tar;
  tar.header('S', "sparse", 7);
  tar.patch(386, "00000000010").patch(398, "00000000003").patch(410, "00000000100").patch(422, "00000000004");
  tar.patch(483, "00000000200").raw("abcdefg").file("next", "x");
  auto bytes = tar.done();
  EXPECT_EQ(list(bytes).text, "sparse(abcdefg) next(x) ");
  std::size_t at = 0;
  auto entry = TarReader(source_of(bytes, at)).next().value();
  EXPECT_EQ(entry->size, 0200u);
  ASSERT_EQ(entry->extents.size(), 2u);
  EXPECT_EQ(entry->extents[1].offset, 0100u);
}

TEST(tar, reads_every_version_of_pax_sparse_files) {
  auto head = [](std::vector<std::pair<std::string, std::string>> records) { return TarBuilder().pax(records); };
  auto v00 = head({{"GNU.sparse.size", "100"},
                   {"GNU.sparse.offset", "10"},
                   {"GNU.sparse.numbytes", "3"},
                   {"GNU.sparse.offset", "50"},
                   {"GNU.sparse.numbytes", "2"}})
                 .file("f", "abcde");
  auto v01 = head({{"GNU.sparse.size", "100"}, {"GNU.sparse.map", "10,3,50,2"}}).file("f", "abcde");
  auto map = std::string("2\n10\n3\n50\n2\n");
  map.resize(512, '\0');
  auto v10 = head({{"GNU.sparse.major", "1"},
                   {"GNU.sparse.minor", "0"},
                   {"GNU.sparse.name", "f"},
                   {"GNU.sparse.realsize", "100"}})
                 .file("GNUSparseFile.0/f", map + "abcde");
  for (auto* tar : {&v00, &v01, &v10}) {
    auto bytes = tar->file("next", "x").done();
    EXPECT_EQ(list(bytes).text, "f(abcde) next(x) ");
    std::size_t at = 0;
    auto entry = TarReader(source_of(bytes, at)).next().value();
    EXPECT_EQ(entry->size, 100u);
    ASSERT_EQ(entry->extents.size(), 2u);
    EXPECT_EQ(entry->extents[1].offset, 50u);
    EXPECT_EQ(entry->extents[1].size, 2u);
  }
}

struct Bad {
  const char* what;
  std::string bytes;
  ErrorKind kind;
};

TEST(tar, refuses_what_is_malformed_or_read_differently_by_others) {
  auto sparse = [](const std::string& map) {
    return TarBuilder().pax({{"GNU.sparse.size", "100"}, {"GNU.sparse.map", map}}).file("f", "abcde").done();
  };
  const std::vector<Bad> table = {
      {"checksum", TarBuilder().file("f", "").break_checksum().done(), ErrorKind::Corrupt},
      {"cut header", TarBuilder().file("f", "").unfinished().substr(0, 300), ErrorKind::Corrupt},
      {"cut content", TarBuilder().file("f", std::string(600, 'x')).unfinished().substr(0, 900), ErrorKind::Corrupt},
      {"end after extension", TarBuilder().pax({{"path", "x"}}).done(), ErrorKind::Corrupt},
      {"no number", TarBuilder().file("f", "").patch(124, "0000000009x").done(), ErrorKind::Invalid},
      {"negative size",
       TarBuilder().file("f", "").patch(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").done(),
       ErrorKind::Invalid},
      {"huge size", TarBuilder().file("f", "").patch(124, "\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").done(),
       ErrorKind::Invalid},
      {"unknown type", TarBuilder().add('Z', "f").done(), ErrorKind::Invalid},
      {"long name", TarBuilder().add('L', "x", std::string(5000, 'n')).file("f", "").done(), ErrorKind::Limit},
      {"long pax name", TarBuilder().pax({{"path", std::string(5000, 'n')}}).file("f", "").done(), ErrorKind::Limit},
      {"huge pax", TarBuilder().header('x', "x", 1 << 30).done(), ErrorKind::Limit},
      {"two long names", TarBuilder().add('L', "x", "a").add('L', "x", "b").file("f", "").done(), ErrorKind::Invalid},
      {"two long links", TarBuilder().add('K', "x", "a").add('K', "x", "b").file("f", "").done(), ErrorKind::Invalid},
      {"two pax", TarBuilder().pax({{"path", "a"}}).pax({{"path", "b"}}).file("f", "").done(), ErrorKind::Invalid},
      {"gnu and pax", TarBuilder().add('L', "x", "a").pax({{"path", "b"}}).file("f", "").done(), ErrorKind::Invalid},
      {"NUL in a name", TarBuilder().pax({{"path", std::string("a\0b", 3)}}).file("f", "").done(), ErrorKind::Invalid},
      {"directory with content", TarBuilder().file("d/", "x").done(), ErrorKind::Invalid},
      {"pax without length", TarBuilder().add('x', "x", "path=a\n").file("f", "").done(), ErrorKind::Invalid},
      {"pax wrong length", TarBuilder().add('x', "x", "99 path=a\n").file("f", "").done(), ErrorKind::Invalid},
      {"pax without key", TarBuilder().add('x', "x", "5 =a\n").file("f", "").done(), ErrorKind::Invalid},
      {"pax size no number", TarBuilder().pax({{"size", "-1"}}).file("f", "").done(), ErrorKind::Invalid},
      {"sparse odd", sparse("10,3,50"), ErrorKind::Invalid},
      {"sparse overlap", sparse("10,3,12,2"), ErrorKind::Invalid},
      {"sparse beyond", sparse("10,3,99,2"), ErrorKind::Invalid},
      {"sparse sum", sparse("10,3,50,1"), ErrorKind::Invalid},
  };
  for (const auto& row : table) {
    auto listing = list(row.bytes);
    ASSERT_TRUE(listing.error) << row.what << ": " << listing.text;
    EXPECT_EQ(*listing.error, row.kind) << row.what << ": " << listing.text;
  }
}

TEST(tar, refuses_endless_extension_headers) {
  TarBuilder tar;
  for (int i = 0; i < 100; ++i) tar.add('g', "x", "13 comment=x\n");
  EXPECT_EQ(list(tar.done()).error, ErrorKind::Limit);
}

}  // namespace
}  // namespace pratique::run
