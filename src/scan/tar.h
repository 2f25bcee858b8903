// A tar archive as a stream of entries: bytes are pushed in, a visitor hears what they mean.
//
// Reads V7, ustar, star, PAX and GNU headers (long names, sparse files, base-256 numbers). Where readers are known to
// disagree it follows Go's archive/tar, which is what container engines extract layers with; where following one reader
// would hide something from another, it stops and says so. Names come out normalised. Not here: contents.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "scan/inflate.h"
#include "scan/scan.h"
#include "scan/tar_header.h"

namespace pratique::scan {

class TarVisitor {
 public:
  virtual ~TarVisitor() = default;
  enum class Data { Wanted, Unwanted };
  // A sparse file's data is not its content: it is never given.
  virtual Data on_entry(FileEntry entry, bool is_sparse) = 0;
  virtual void on_data(Bytes bytes) = 0;  // of the entry last announced, in order
  virtual void on_data_end() = 0;         // all of it has come; also for an empty file
  virtual void on_gap(Gap gap) = 0;
};

class TarReader {
 public:
  TarReader(const Limits& limits, TarVisitor& visitor) : limits_(limits), visitor_(visitor) {}

  void feed(Bytes bytes);
  // The bytes have ended. Says what is missing.
  void finish();
  // The first block was no tar header: this never was an archive.
  bool is_foreign() const { return state_ == State::Foreign; }
  // Nothing more will be said about what follows.
  bool is_stopped() const { return state_ == State::Foreign || state_ == State::Broken; }

 private:
  // Header -> (Extension -> Padding -> Header)* -> [SparseMap*] -> Data -> Padding -> Header; two zero blocks -> End.
  enum class State { Header, Extension, SparseMap, Data, Padding, End, Foreign, Broken };

  // Gathers one block; nullptr while it is not whole.
  const TarBlock* next_block(Bytes& bytes);
  void on_header(const TarBlock& block);
  void begin_extension(const TarHeader& header);
  void end_extension();
  void begin_entry(TarHeader header);
  void announce(TarHeader& header);
  void begin_data(std::uint64_t size);
  void end_data();
  void take_data(Bytes& bytes);
  void take_tail(Bytes& bytes);
  void fail(std::string code, std::string reason);

  const Limits limits_;
  TarVisitor& visitor_;
  State state_ = State::Header;
  TarBlock block_{};
  std::size_t block_size_ = 0;
  std::uint64_t offset_ = 0;  // of the next byte in the archive
  bool seen_header_ = false;
  bool seen_zero_block_ = false;
  bool tail_reported_ = false;

  char extension_type_ = 0;
  std::string extension_;
  TarOverrides overrides_;

  std::uint64_t data_left_ = 0;     // of the entry or extension
  std::uint64_t padding_left_ = 0;  // to the block boundary
  bool data_wanted_ = false;
  std::uint64_t entries_ = 0;
};

}  // namespace pratique::scan
