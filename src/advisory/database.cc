#include <algorithm>

#include "advisory/advisory.h"
#include "advisory/image.h"
#include "advisory/mapping.h"
#include "advisory/starter.h"
#include "advisory/writer.h"
#include "base/check.h"

namespace pratique::advisory {

namespace {

// All known feeds together make about 200 MB; a file of this size is a mistake or an attack on the address space.
constexpr std::uint64_t kDatabaseBytesMax = 8ull << 30;

}  // namespace

struct Database::Impl {
  std::optional<Mapping> mapping;  // a file's bytes …
  std::string owned;               // … or the starter set's
  std::optional<Image> image;      // points into one of them
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Verify verify) {
  auto impl = std::make_unique<Impl>();
  impl->mapping.emplace(TRY(Mapping::open(path, kDatabaseBytesMax)));
  impl->image = TRY(Image::parse(impl->mapping->bytes(), verify).with_context("opening " + path));
  return std::make_unique<Database>(std::move(impl));
}

std::unique_ptr<Database> Database::starter() {
  Writer writer;
  DatabaseInfo info;
  info.sources.push_back(add_starter(writer));
  info.built = info.sources.back().newest;
  auto bytes = writer.finish(info);
  CHECK(bytes.ok(), "the starter set does not fit a database");
  auto impl = std::make_unique<Impl>();
  impl->owned = std::move(bytes).value();
  auto image = Image::parse(impl->owned, Verify::HeaderOnly);
  CHECK(image.ok(), "the starter set does not read back");
  impl->image = std::move(image).value();
  return std::make_unique<Database>(std::move(impl));
}

const DatabaseInfo& Database::info() const {
  return impl_->image->info();
}

bool Database::covers(std::string_view stream) const {
  return std::binary_search(info().streams.begin(), info().streams.end(), stream);
}

Result<std::vector<vuln::Advisory>> Database::lookup(std::string_view stream, std::string_view package) const {
  return impl_->image->lookup(stream, package);
}

Status Database::for_each(const std::function<Status(const vuln::Advisory&)>& visit) const {
  return impl_->image->for_each(visit);
}

}  // namespace pratique::advisory
