// A small image made by code, and the ways to lay it down, for this module's tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/json.h"
#include "os/file.h"
#include "transport/streams.h"
#include "transport/tar_writer.h"
#include "transport/transport.h"

namespace pratique::transport {

inline oci::Descriptor describe(std::string_view type, std::string_view bytes) {
  return {.media_type = std::string(type), .digest = oci::Digest::of(as_bytes(bytes)), .size = bytes.size()};
}

inline Json descriptor_json(const oci::Descriptor& descriptor) {
  Json json = Json::object();
  json.set("mediaType", descriptor.media_type).set("digest", descriptor.digest.to_string());
  json.set("size", descriptor.size);
  if (descriptor.platform) {
    json.set("platform", Json::object({{"os", descriptor.platform->os},
                                       {"architecture", descriptor.platform->architecture},
                                       {"variant", descriptor.platform->variant}}));
  }
  Json annotations = Json::object();
  for (const auto& [key, value] : descriptor.annotations) annotations.set(key, value);
  return json.set("annotations", std::move(annotations));
}

inline std::string index_json(const std::vector<oci::Descriptor>& entries) {
  Json list = Json::array(), json = Json::object();
  for (const auto& entry : entries) list.push(descriptor_json(entry));
  json.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciIndex).set("manifests", std::move(list));
  return json.dump();
}

// Files by name: what becomes a directory or an archive.
using Files = std::map<std::string, std::string>;

struct TestImage {
  std::vector<std::string> layers{"first layer", "second layer"};
  std::string config, manifest;

  explicit TestImage(std::vector<std::string> contents = {"first layer", "second layer"})
      : layers(std::move(contents)) {
    Json ids = Json::array(), list = Json::array(), roots = Json::object(), json = Json::object();
    for (const auto& layer : layers) {
      ids.push(oci::Digest::of(as_bytes(layer)).to_string());
      list.push(descriptor_json(describe(oci::media_type::kOciLayer, layer)));
    }
    roots.set("type", "layers").set("diff_ids", std::move(ids));
    json.set("os", "linux").set("architecture", "amd64").set("rootfs", std::move(roots));
    config = json.dump();
    Json whole = Json::object();
    whole.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciManifest);
    whole.set("config", descriptor_json(describe(oci::media_type::kOciConfig, config))).set("layers", std::move(list));
    manifest = whole.dump();
  }

  oci::Descriptor descriptor(std::string_view tag = "") const {
    auto entry = describe(oci::media_type::kOciManifest, manifest);
    if (!tag.empty()) entry.annotations["org.opencontainers.image.ref.name"] = tag;
    return entry;
  }
  Files blobs() const {
    Files files;
    auto add = [&](const std::string& bytes) {
      files["blobs/sha256/" + oci::Digest::of(as_bytes(bytes)).encoded()] = bytes;
    };
    for (const auto& layer : layers) add(layer);
    add(config);
    add(manifest);
    return files;
  }
  Files layout(std::string_view tag = "latest") const {
    Files files = blobs();
    files["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
    files["index.json"] = index_json({descriptor(tag)});
    return files;
  }
  // As docker wrote it before version 25.
  Files docker(std::string_view tag = "tool:1") const {
    Files files;
    Json names = Json::array(), entry = Json::object();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      files[format("{}/layer.tar", i)] = layers[i];
      names.push(format("{}/layer.tar", i));
    }
    files["config.json"] = config;
    entry.set("Config", "config.json").set("RepoTags", Json::array({tag})).set("Layers", std::move(names));
    files["manifest.json"] = Json::array({std::move(entry)}).dump();
    return files;
  }
};

inline void write_tree(const std::string& directory, const Files& files) {
  for (const auto& [name, content] : files) {
    std::string path = directory + "/" + name;
    ASSERT_TRUE(os::make_directories(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(os::write_file(path, content).ok());
  }
}

inline os::Fd tar_of(const Files& files) {
  os::Fd out = scratch_file().value();
  TarWriter writer(out);
  for (const auto& [name, content] : files) EXPECT_TRUE(writer.add({.name = name}, content).ok());
  EXPECT_TRUE(writer.finish().ok());
  return out;
}

inline std::string bytes_of(const os::Fd& file) {
  std::string bytes(os::file_size(file).value(), '\0');
  EXPECT_EQ(os::read_at(file, std::as_writable_bytes(std::span(bytes)), 0).value(), bytes.size());
  return bytes;
}

inline std::string tar_bytes(const Files& files) {
  return bytes_of(tar_of(files));
}

// A file that holds `bytes`, open.
inline os::Fd file_with(std::string_view bytes) {
  os::Fd file = scratch_file().value();
  EXPECT_TRUE(os::write_all(file, as_bytes(bytes)).ok());
  return file;
}

// Reads config and layers of an opened image and compares them with what it was made from.
inline void expect_same(Image& image, const TestImage& wanted) {
  EXPECT_EQ(read_blob(image, image.manifest().config, 1 << 20).value(), wanted.config);
  ASSERT_EQ(image.manifest().layers.size(), wanted.layers.size());
  for (std::size_t i = 0; i < wanted.layers.size(); ++i) {
    EXPECT_EQ(read_blob(image, image.manifest().layers[i], 1 << 20).value(), wanted.layers[i]);
  }
}

class CountingProgress final : public CopyProgress {
 public:
  void begin(const std::string& what, std::uint64_t bytes) override {
    log += "begin " + what + "\n";
    expected += bytes;
  }
  void advance(std::uint64_t bytes) override { seen += bytes; }
  void end(const std::string& outcome) override { log += "end " + outcome + "\n"; }
  std::string log;
  std::uint64_t expected = 0, seen = 0;
};

}  // namespace pratique::transport
