#include "advisory/feed_file.h"

#include <gmock/gmock.h>
#include <lzma.h>
#include <zlib.h>

#include "advisory/layout.h"
#include "advisory/test_feeds.h"
#include "advisory/zip.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
std::string gzipped(std::string_view text) {
  return deflated(text, 15 + 16);
}

std::string xzed(std::string_view text) {
  std::string out(text.size() + 1024, '\0');
  std::size_t length = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()),
                                    text.size(), reinterpret_cast<std::uint8_t*>(out.data()), &length, out.size()),
            LZMA_OK);
  out.resize(length);
  return out;
}

TEST(FeedFile, unpacks_gzip_and_xz) {
  std::string text(3'000'000, 'x');
  EXPECT_EQ(*gunzip(gzipped(text), text.size()), text);
  EXPECT_EQ(*unxz(xzed(text), text.size()), text);
  EXPECT_EQ(*gunzip(gzipped("a") + gzipped("b"), 10), "ab");
  EXPECT_EQ(*unxz(xzed("a") + xzed("b"), 10), "ab");
  EXPECT_EQ(*gunzip(gzipped(""), 0), "");
}

TEST(FeedFile, refuses_more_than_the_limit) {
  EXPECT_EQ(gunzip(gzipped("abc"), 2).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(unxz(xzed("abc"), 2).error().kind(), ErrorKind::Limit);
}

TEST(FeedFile, refuses_damage_and_early_ends) {
  std::string gz = gzipped("some text that is long enough"), xz = xzed("some text that is long enough");
  for (std::size_t length = 0; length < gz.size(); ++length)
    EXPECT_FALSE(gunzip(gz.substr(0, length), 1000).ok()) << length;
  for (std::size_t length = 0; length < xz.size(); ++length)
    EXPECT_FALSE(unxz(xz.substr(0, length), 1000).ok()) << length;
  EXPECT_EQ(gunzip(gz + "junk", 1000).error().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(unxz(xz + "junk", 1000).error().kind(), ErrorKind::Corrupt);
}

TEST(FeedFile, knows_packings_by_their_first_bytes) {
  EXPECT_EQ(packing_of(gzipped("a")), Packing::Gzip);
  EXPECT_EQ(packing_of(xzed("a")), Packing::Xz);
  EXPECT_EQ(packing_of("PK\x03\x04"), Packing::Zip);
  EXPECT_EQ(packing_of("{"), Packing::None);
  EXPECT_EQ(packing_of(""), Packing::None);
}

struct ZipEntry {
  std::string name;
  std::string content;
  std::uint16_t method = 8;
  std::uint16_t flags = 0;
  bool is_zip64 = false;
};

// A zip archive as a packer would write it.
std::string zipped(const std::vector<ZipEntry>& entries) {
  std::string out;
  std::string directory;
  for (const auto& entry : entries) {
    std::string packed = entry.method == 8 ? deflated(entry.content, -15) : entry.content;
    auto crc = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()), static_cast<uInt>(entry.content.size())));
    auto offset = out.size();
    out += "PK\x03\x04";
    put<std::uint16_t>(out, 20);
    put<std::uint16_t>(out, entry.flags);
    put<std::uint16_t>(out, entry.method);
    put<std::uint32_t>(out, 0);
    for (auto value :
         {crc, static_cast<std::uint32_t>(packed.size()), static_cast<std::uint32_t>(entry.content.size())})
      put<std::uint32_t>(out, value);
    put<std::uint16_t>(out, static_cast<std::uint16_t>(entry.name.size()));
    put<std::uint16_t>(out, 0);
    out += entry.name + packed;

    std::string extra;
    if (entry.is_zip64) {
      put<std::uint16_t>(extra, 1);
      put<std::uint16_t>(extra, 24);
      for (std::uint64_t value : {entry.content.size(), packed.size(), offset}) put<std::uint64_t>(extra, value);
    }
    auto size32 = [&](std::size_t size) { return entry.is_zip64 ? 0xFFFFFFFFu : static_cast<std::uint32_t>(size); };
    directory += "PK\x01\x02";
    put<std::uint32_t>(directory, 0x00140014);
    put<std::uint16_t>(directory, entry.flags);
    put<std::uint16_t>(directory, entry.method);
    put<std::uint32_t>(directory, 0);
    for (auto value : {crc, size32(packed.size()), size32(entry.content.size())}) put<std::uint32_t>(directory, value);
    put<std::uint16_t>(directory, static_cast<std::uint16_t>(entry.name.size()));
    put<std::uint16_t>(directory, static_cast<std::uint16_t>(extra.size()));
    for (int i = 0; i < 5; ++i) put<std::uint16_t>(directory, 0);
    put<std::uint32_t>(directory, size32(offset));
    directory += entry.name + extra;
  }
  auto start = static_cast<std::uint32_t>(out.size());
  out += directory + "PK\x05\x06";
  put<std::uint32_t>(out, 0);
  put<std::uint16_t>(out, static_cast<std::uint16_t>(entries.size()));
  put<std::uint16_t>(out, static_cast<std::uint16_t>(entries.size()));
  put<std::uint32_t>(out, static_cast<std::uint32_t>(directory.size()));
  put<std::uint32_t>(out, start);
  put<std::uint16_t>(out, 0);
  return out;
}

Result<std::vector<std::string>> entries_of(std::string_view archive, const ZipLimits& limits = {}) {
  std::vector<std::string> entries;
  TRY(for_each_zip_entry(archive, limits, [&](std::string_view name, std::string_view content) {
    entries.push_back(format("{}={}", name, content));
    return Status();
  }));
  return entries;
}

ErrorKind refusal_of(std::string_view archive, const ZipLimits& limits = {}) {
  return entries_of(archive, limits).error().kind();
}

TEST(Zip, reads_stored_and_deflated_entries) {
  EXPECT_THAT(*entries_of(zipped({{"a", "one"}, {"b", "two", 0}, {"dir/", ""}, {"c", ""}})),
              ElementsAre("a=one", "b=two", "c="));
  EXPECT_THAT(*entries_of(zipped({})), ElementsAre());
}

TEST(Zip, reads_64_bit_sizes) {
  EXPECT_THAT(*entries_of(zipped({{"a", "one", 8, 0, true}, {"b", "two"}})), ElementsAre("a=one", "b=two"));
}

TEST(Zip, refuses_encryption_and_other_methods) {
  EXPECT_EQ(refusal_of(zipped({{"a", "one", 8, 1}})), ErrorKind::Invalid);
  EXPECT_EQ(refusal_of(zipped({{"a", "one", 12}})), ErrorKind::Invalid);
}

TEST(Zip, refuses_what_is_over_a_limit) {
  auto archive = zipped({{"a", "12345"}, {"b", "12345"}});
  EXPECT_EQ(refusal_of(archive, {.entries_max = 1}), ErrorKind::Limit);
  EXPECT_EQ(refusal_of(archive, {.entry_bytes_max = 4}), ErrorKind::Limit);
  EXPECT_EQ(refusal_of(archive, {.total_bytes_max = 9}), ErrorKind::Limit);
  EXPECT_TRUE(entries_of(archive, {.entries_max = 2, .entry_bytes_max = 7, .total_bytes_max = 10}).ok());
}

TEST(Zip, refuses_every_cut_and_no_damage_is_silent) {
  auto archive = zipped({{"a", "some text, some text"}, {"b", "two", 0}});
  for (std::size_t length = 0; length < archive.size(); ++length)
    EXPECT_FALSE(entries_of(archive.substr(0, length)).ok()) << length;
  for (std::size_t i = 0; i < archive.size(); ++i) {
    auto bad = archive;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    auto entries = entries_of(bad);
    if (!entries.ok()) continue;
    for (const auto& entry : *entries)
      EXPECT_THAT(entry, testing::AnyOf(HasSubstr("=some text, some text"), HasSubstr("=two"))) << i;
  }
}

TEST_F(FeedTest, feeds_are_read_whatever_their_packing) {
  std::string secdb = R"({"distroversion":"v3.19","reponame":"main","packages":[{"pkg":{"name":"a",)"
                      R"("secfixes":{"1-r0":["CVE-2019-0001"]}}}]})";
  for (const auto& packed : {secdb, gzipped(secdb), xzed(secdb)}) {
    inputs_.clear();
    feed(SourceKind::AlpineSecdb, packed);
    EXPECT_THAT(advisories(), ElementsAre("alpine:3.19 a CVE-2019-0001 fixed <1-r0"));
  }
}

TEST_F(FeedTest, a_zip_of_osv_records_is_read_and_strangers_in_it_are_skipped) {
  feed(SourceKind::Osv, zipped({{"X-1.json", R"({"id":"X-1","affected":[{"package":{"ecosystem":"npm",)"
                                             R"("name":"a"}}]})"},
                                {"X-2.json", "{"},
                                {"readme.txt", "hello"}}));
  EXPECT_THAT(advisories(), ElementsAre("npm a X-1 affected"));
  EXPECT_EQ(report_.skipped, 2u);
}

class Recognise : public FeedTest {
 protected:
  std::vector<std::string> kinds_in(const std::string& where) {
    std::vector<std::string> kinds;
    auto inputs = recognise(path(where));
    if (!inputs.ok()) return {std::string(to_string(inputs.error().kind()))};
    for (const auto& input : *inputs)
      kinds.push_back(
          format("{} {} {}", to_string(input.kind), input.path.substr(directory_.path().size() + 1), input.stream));
    return kinds;
  }
};

TEST_F(Recognise, finds_feeds_in_a_tree_and_passes_over_the_rest) {
  write("t/alpine/main.json.gz", gzipped(R"({"distroversion":"v3.19","reponame":"main","packages":[]})"));
  write("t/alpine/main.yaml", "---\ndistroversion: v3.10\nreponame: main\n");
  write("t/debian/list", "[01 Apr 2023] DSA-1-1 x - y\n");
  write("t/debian/json", R"({"a":{"CVE-1":{"releases":{"sid":{"repositories":{},"urgency":"low"}}}}})");
  write("t/dists/bookworm-security/Sources.xz", xzed("Package: a\nVersion: 1\n"));
  write("t/dists/bookworm/Sources.xz", xzed("Package: a\nVersion: 1\n"));
  write("t/kev.json", R"({"vulnerabilities":[{"cveID":"CVE-1"}]})");
  write("t/osv/all.zip", zipped({{"X-1.json", "{}"}}));
  write("t/records/a.json", R"({"id":"X-1","modified":"x","affected":[]})");
  write("t/records/b.json", R"({"id":"X-2","modified":"x","affected":[]})");
  write("t/junk", "\x1f\x8bnot gzip");
  write("t/empty", "");
  EXPECT_THAT(kinds_in("t"), ElementsAre("alpine-secdb t/alpine/main.json.gz ", "alpine-secdb t/alpine/main.yaml ",
                                         "debian-tracker t/debian/json ", "debian-security-list t/debian/list ",
                                         "debian-security-archive t/dists/bookworm-security/Sources.xz debian:12",
                                         "known-exploited t/kev.json ", "osv t/osv/all.zip ", "osv t/records "));
}

TEST_F(Recognise, says_when_it_knows_nothing_of_what_it_sees) {
  write("x", "hello");
  EXPECT_THAT(kinds_in("x"), ElementsAre("not-found"));
  EXPECT_THAT(kinds_in("missing"), ElementsAre("not-found"));
}

}  // namespace
}  // namespace pratique::advisory
