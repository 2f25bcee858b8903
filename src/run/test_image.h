// A small language for tests: tar archives written byte by byte, and images made of them.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/json.h"
#include "oci/oci.h"
#include "os/file.h"
#include "run/run.h"

namespace pratique::run {

// Writes any header, also those no tool would write.
class TarBuilder {
 public:
  TarBuilder& add(char type, std::string_view name, std::string_view content = "", std::string_view link = "",
                  unsigned mode = 0755, unsigned uid = 0) {
    header(type, name, content.size(), link, mode, uid);
    return raw(content);
  }
  TarBuilder& file(std::string_view name, std::string_view content, unsigned mode = 0644) {
    return add('0', name, content, "", mode);
  }
  TarBuilder& directory(std::string_view name, unsigned mode = 0755) { return add('5', name, "", "", mode); }
  TarBuilder& link(std::string_view name, std::string_view target) { return add('1', name, "", target); }
  TarBuilder& symlink(std::string_view name, std::string_view target) { return add('2', name, "", target); }
  TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records) {
    std::string text;
    for (const auto& [key, value] : records) {
      auto rest = format(" {}={}\n", key, value);
      auto length = rest.size() + 1;
      while (std::to_string(length).size() + rest.size() != length) ++length;
      text += std::to_string(length) + rest;
    }
    return add('x', "PaxHeaders/x", text);
  }
  TarBuilder& header(char type, std::string_view name, std::uint64_t size, std::string_view link = "",
                     unsigned mode = 0755, unsigned uid = 0) {
    std::array<char, 512> block{};
    auto put = [&](std::size_t at, std::size_t width, std::string_view text) {
      std::memcpy(block.data() + at, text.data(), std::min(width, text.size()));
    };
    put(0, 100, name);
    put(100, 8, format("{:07o}", mode));
    put(108, 8, format("{:07o}", uid));
    put(116, 8, format("{:07o}", uid));
    put(124, 12, format("{:011o}", size));
    put(136, 12, format("{:011o}", 1'700'000'000));
    block[156] = type;
    put(157, 100, link);
    put(257, 8, std::string_view("ustar\00000", 8));
    last_ = bytes_.size();
    bytes_.append(block.data(), block.size());
    return seal();
  }
  // Changes the last header and makes its checksum right again.
  TarBuilder& patch(std::size_t at, std::string_view text) {
    bytes_.replace(last_ + at, text.size(), text);
    return seal();
  }
  TarBuilder& break_checksum() {
    bytes_[last_ + 148] = '7';
    return *this;
  }
  TarBuilder& raw(std::string_view content) {
    bytes_ += content;
    bytes_.append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  std::string unfinished() const { return bytes_; }
  std::string done() const { return bytes_ + std::string(1024, '\0'); }

 private:
  TarBuilder& seal() {
    bytes_.replace(last_ + 148, 8, 8, ' ');
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(bytes_[last_ + i]);
    bytes_.replace(last_ + 148, 8, format("{:06o}", sum) + std::string("\0 ", 2));
    return *this;
  }
  std::string bytes_;
  std::size_t last_ = 0;
};

inline os::Fd memory_fd(std::string_view content) {
  os::Fd fd(::memfd_create("blob", MFD_CLOEXEC));
  (void)os::write_all(fd, as_bytes(content));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

// An image held in memory.
class TestImage {
 public:
  std::vector<std::string> env, entrypoint, cmd;
  std::string user, working_dir, architecture = "amd64";

  // `stored` is what the registry holds; by default the tar itself.
  TestImage& layer(const std::string& tar, std::string_view media_type = oci::media_type::kOciLayer,
                   std::string stored = "") {
    if (stored.empty()) stored = tar;
    layers_.push_back(blob(media_type, stored));
    diff_ids_.push_back(oci::Digest::of(as_bytes(tar)).to_string());
    return *this;
  }
  TestImage& lying_diff_id() {
    diff_ids_.back() = oci::Digest::of(as_bytes("something else")).to_string();
    return *this;
  }
  // The bytes served for a blob from now on.
  void replace_blob(std::size_t layer, std::string content) {
    blobs_[std::string(layers_[layer]["digest"].text())] = std::move(content);
  }

  std::string manifest() {
    auto list = [](const std::vector<std::string>& values) {
      Json json = Json::array();
      for (const auto& value : values) json.push(value);
      return json;
    };
    Json run = Json::object();
    run.set("Env", list(env)).set("Entrypoint", list(entrypoint)).set("Cmd", list(cmd));
    run.set("User", user).set("WorkingDir", working_dir);
    Json config = Json::object();
    config.set("os", "linux").set("architecture", architecture).set("config", run);
    config.set("rootfs", Json::object({{"type", "layers"}, {"diff_ids", list(diff_ids_)}}));
    Json manifest = Json::object();
    manifest.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciManifest);
    manifest.set("config", blob(oci::media_type::kOciConfig, config.dump())).set("layers", Json::array(layers_));
    return manifest.dump();
  }
  BlobOpener opener() const {
    return [this](const oci::Descriptor& descriptor) -> Result<os::Fd> {
      auto found = blobs_.find(descriptor.digest.to_string());
      if (found == blobs_.end()) return not_found("no such blob");
      return memory_fd(found->second);
    };
  }

 private:
  Json blob(std::string_view media_type, const std::string& content) {
    auto digest = oci::Digest::of(as_bytes(content)).to_string();
    blobs_[digest] = content;
    return Json::object({{"mediaType", media_type}, {"digest", digest}, {"size", std::uint64_t{content.size()}}});
  }
  Json::Array layers_;
  std::vector<std::string> diff_ids_;
  std::map<std::string, std::string> blobs_;
};

}  // namespace pratique::run
