#include "proto/recording/recording.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace tvmffi {
namespace {

SavedValues NoValues() {
  SavedValues values;
  values.frame.assign(32, '\1');
  return values;
}

CallRecording Sample() {
  CallRecording recording;
  recording.library_version = "1.2.3";
  recording.call_number = 17;
  recording.module = {"/plugins/a.so", std::string(64, 'a'), 4096, "0123"};
  recording.call = {"softmax", NoValues()};
  recording.call.values.memory = {{SavedPlace::kGuardRight, 0, "first bytes"},
                                  {SavedPlace::kPlain, 63, "second"}};
  recording.init = {{"setup", NoValues()}};
  recording.init[0].values.memory = {{SavedPlace::kInput, 0, "third"}};
  recording.setting.policy = "network = false\n";
  recording.setting.environment = {"LANG=C", "EMPTY="};
  recording.setting.require = {"seccomp"};
  recording.setting.layers = {"process", "seccomp"};
  recording.setting.reuse = "session";
  recording.setting.poison = true;
  recording.setting.deadline = 2.5;
  recording.setting.worker_modules = "a.so, b.so";
  recording.outcome = {"WorkerCrashed", "signal", 11, -1, 1, -8, true, false, "bucket"};
  return recording;
}

std::string FileOf(const CallRecording& recording) {
  Result<std::string> head = EncodeRecordingHead(recording);
  EXPECT_TRUE(head.ok()) << head.status().message;
  std::string file = *head;
  for (const SavedMemory* memory : recording.AllMemory()) file += memory->bytes;
  return file;
}

std::string Refusal(const std::string& file) {
  // A copy of exactly this size, so that a sanitizer sees what is read behind it.
  const std::vector<char> bytes(file.begin(), file.end());
  Result<CallRecording> recording = ReadRecording(bytes.data(), bytes.size());
  if (recording.ok()) return "";
  EXPECT_EQ(recording.status().code, Code::kInvalidArgument);
  return recording.status().message;
}

// What the writer refuses, for the same reasons as the reader.
std::string WriterRefusal(const CallRecording& recording) {
  Result<std::string> head = EncodeRecordingHead(recording);
  return head.ok() ? "" : head.status().message;
}

TEST(Recording, B8_ALoadIsReadAsOne) {
  CallRecording load = Sample();
  load.is_load = true;
  const std::string file = FileOf(load);

  Result<CallRecording> read = ReadRecording(file.data(), file.size());

  ASSERT_TRUE(read.ok()) << read.status().message;
  EXPECT_TRUE(read->is_load);
}

TEST(Recording, B8_IsReadAsItWasWritten) {
  const std::string file = FileOf(Sample());

  Result<CallRecording> read = ReadRecording(file.data(), file.size());

  ASSERT_TRUE(read.ok()) << read.status().message;
  EXPECT_EQ(read->library_version, "1.2.3");
  EXPECT_EQ(read->call_number, 17u);
  EXPECT_FALSE(read->is_load);
  EXPECT_EQ(read->module.path, "/plugins/a.so");
  EXPECT_EQ(read->module.sha256, std::string(64, 'a'));
  EXPECT_EQ(read->module.size, 4096u);
  EXPECT_EQ(read->module.build_id, "0123");
  EXPECT_EQ(read->call.function, "softmax");
  EXPECT_EQ(read->call.values.frame, NoValues().frame);
  ASSERT_EQ(read->call.values.memory.size(), 2u);
  EXPECT_EQ(read->call.values.memory[0].bytes, "first bytes");
  EXPECT_EQ(read->call.values.memory[0].place, SavedPlace::kGuardRight);
  EXPECT_EQ(read->call.values.memory[1].bytes, "second");
  EXPECT_EQ(read->call.values.memory[1].misalignment, 63u);
  ASSERT_EQ(read->init.size(), 1u);
  EXPECT_EQ(read->init[0].function, "setup");
  EXPECT_EQ(read->init[0].values.memory[0].bytes, "third");
  EXPECT_EQ(read->setting.policy, "network = false\n");
  EXPECT_EQ(read->setting.environment, (std::vector<std::string>{"LANG=C", "EMPTY="}));
  EXPECT_EQ(read->setting.require, std::vector<std::string>{"seccomp"});
  EXPECT_EQ(read->setting.layers.size(), 2u);
  EXPECT_EQ(read->setting.reuse, "session");
  EXPECT_TRUE(read->setting.poison);
  EXPECT_EQ(read->setting.deadline, 2.5);
  EXPECT_EQ(read->setting.load_deadline, -1);
  EXPECT_EQ(read->setting.worker_modules, "a.so, b.so");
  EXPECT_EQ(read->outcome.signal, 11);
  EXPECT_EQ(read->outcome.fault_argument, 1);
  EXPECT_EQ(read->outcome.fault_offset, -8);
  EXPECT_EQ(read->outcome.is_write, true);
  EXPECT_EQ(read->outcome.bucket, "bucket");
}

TEST(Recording, B8_SaysWhyThereAreNoValues) {
  CallRecording recording = Sample();
  recording.call.values = {};
  recording.call.values.refusal = "argument 0 is a callable";
  const std::string file = FileOf(recording);

  Result<CallRecording> read = ReadRecording(file.data(), file.size());

  ASSERT_TRUE(read.ok()) << read.status().message;
  EXPECT_EQ(read->call.values.refusal, "argument 0 is a callable");
  EXPECT_TRUE(read->call.values.frame.empty());
}

TEST(Recording, B8_CutOffAnywhereIsRefused) {
  const std::string file = FileOf(Sample());
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(Refusal(file.substr(0, size)), "") << size;
  }
  EXPECT_NE(Refusal(file + "x").find("1 bytes are left over"), std::string::npos);
}

TEST(Recording, B8_AnotherVersionIsNamed) {
  std::string file = FileOf(Sample());
  file[8] = 2;
  EXPECT_NE(Refusal(file).find("of version 2 of the format, known is 1"), std::string::npos);
  file[0] = 'X';
  EXPECT_NE(Refusal(file).find("does not begin as one"), std::string::npos);
}

// Any byte of the head may be anything: what is accepted keeps to the bounds.
TEST(Recording, B8_ChangedBytesAreRefusedOrHarmless) {
  const std::string file = FileOf(Sample());
  for (size_t at = 0; at < file.size(); ++at) {
    for (int flip : {1, 0x80, 0xff}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const std::vector<char> bytes(changed.begin(), changed.end());
      Result<CallRecording> read = ReadRecording(bytes.data(), bytes.size());
      if (!read.ok()) continue;
      for (const SavedMemory* memory : read->AllMemory()) {
        EXPECT_GE(memory->bytes.data(), bytes.data());
        EXPECT_LE(memory->bytes.data() + memory->bytes.size(), bytes.data() + bytes.size());
      }
    }
  }
}

TEST(Recording, B8_AHeadThatSaysTooMuchIsRefusedBeforeItIsCopied) {
  std::string file = FileOf(Sample());
  const uint32_t huge = std::numeric_limits<uint32_t>::max();
  std::memcpy(&file[12], &huge, sizeof(huge));
  EXPECT_NE(Refusal(file).find("head has 4294967295 bytes"), std::string::npos);
}

TEST(Recording, B8_WhatCannotBeIsNotWritten) {
  CallRecording recording = Sample();
  recording.module.path = "a.so";
  EXPECT_NE(WriterRefusal(recording).find("not absolute"), std::string::npos);
  recording = Sample();
  recording.module.sha256 = std::string(64, 'A');
  EXPECT_NE(WriterRefusal(recording).find("no digest"), std::string::npos);
  recording = Sample();
  recording.call.function = std::string("a\0b", 3);
  EXPECT_NE(WriterRefusal(recording).find("NUL"), std::string::npos);
  recording = Sample();
  recording.call.function = "";
  EXPECT_NE(WriterRefusal(recording).find("without a name"), std::string::npos);
  recording = Sample();
  recording.call.values.refusal = "both";
  EXPECT_NE(WriterRefusal(recording).find("both there and refused"), std::string::npos);
  recording = Sample();
  recording.call.values.memory[1].misalignment = 64;
  EXPECT_NE(WriterRefusal(recording).find("misaligned by 64"), std::string::npos);
  recording = Sample();
  recording.setting.environment = {"=x"};
  EXPECT_NE(WriterRefusal(recording).find("NAME=value"), std::string::npos);
  recording = Sample();
  recording.setting.reuse = "always";
  EXPECT_NE(WriterRefusal(recording).find("'always'"), std::string::npos);
  recording = Sample();
  recording.setting.deadline = std::nan("");
  EXPECT_NE(WriterRefusal(recording).find("no number"), std::string::npos);
  recording = Sample();
  recording.setting.layers.assign(kMaxRecordedList + 1, "x");
  EXPECT_NE(WriterRefusal(recording).find("4097 entries of the layers"), std::string::npos);
  recording = Sample();
  recording.outcome.fault_offset.reset();
  EXPECT_NE(WriterRefusal(recording).find("without an offset"), std::string::npos);
}

TEST(RecordingFile, B8_OnlyRegularFilesAreRead) {
  testing::TempDir folder;
  const std::string path = folder.path() + "/a.tvmffi-call";
  std::ofstream(path, std::ios::binary) << FileOf(Sample());

  Result<std::string> read = ReadRecordingFile(path);

  ASSERT_TRUE(read.ok()) << read.status().message;
  EXPECT_EQ(*read, FileOf(Sample()));
  EXPECT_NE(ReadRecordingFile(folder.path()).status().message.find("no regular file"),
            std::string::npos);
  EXPECT_EQ(ReadRecordingFile(folder.path() + "/none").status().code, Code::kNotFound);
}

}  // namespace
}  // namespace tvmffi
