#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "proto/wire/frame.h"

namespace tvmffi {
namespace {

std::vector<char> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<UniqueFd> NullFds(size_t count) {
  std::vector<UniqueFd> fds;
  for (size_t i = 0; i < count; ++i) fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fds;
}

std::string Header(uint32_t magic, uint16_t version, uint16_t num_fds, uint32_t length) {
  ControlHeader header{magic, version, num_fds, length};
  return {reinterpret_cast<char*>(&header), sizeof(header)};
}

std::string Frame(const std::string& payload, uint16_t num_fds = 0) {
  return Header(kControlMagic, kControlVersion, num_fds, static_cast<uint32_t>(payload.size())) +
         payload;
}

Status Append(ControlReceiver* receiver, const std::string& bytes, size_t num_fds = 0) {
  return receiver->Append(bytes.data(), bytes.size(), NullFds(num_fds));
}

std::string Payload(const ControlFrame& frame) {
  return {frame.payload_untrusted.begin(), frame.payload_untrusted.end()};
}

TEST(ControlReceiver, TakesFramesFromOneBytePieces) {
  ControlReceiver receiver;
  std::string stream = Frame("first") + Frame("") + Frame("third");
  std::vector<std::string> payloads;

  for (char byte : stream) {
    ASSERT_TRUE(Append(&receiver, {byte}).ok());
    for (;;) {
      auto frame = receiver.Next();
      ASSERT_TRUE(frame.ok());
      if (!frame->has_value()) break;
      payloads.push_back(Payload(**frame));
    }
  }

  EXPECT_EQ(payloads, (std::vector<std::string>{"first", "", "third"}));
  EXPECT_FALSE(receiver.mid_frame());
}

TEST(ControlReceiver, GivesDescriptorsToTheFrameThatAnnouncedThem) {
  ControlReceiver receiver;
  // As the kernel delivers: the end of one frame and the beginning of the next in one piece.
  std::string first = Frame("first", 2), second = Frame("second", 1);
  ASSERT_TRUE(Append(&receiver, first.substr(0, 3), 2).ok());
  ASSERT_FALSE((*receiver.Next()).has_value());
  ASSERT_TRUE(Append(&receiver, first.substr(3) + second, 1).ok());

  auto first_frame = receiver.Next();
  auto second_frame = receiver.Next();

  ASSERT_TRUE(first_frame.ok() && first_frame->has_value());
  ASSERT_TRUE(second_frame.ok() && second_frame->has_value());
  EXPECT_EQ((*first_frame)->fds.size(), 2u);
  EXPECT_EQ((*second_frame)->fds.size(), 1u);
}

// As the kernel delivers: the end of one frame and the beginning of the next in one piece.
TEST(ControlReceiver, OnlyTheFrameThatLostItsDescriptorsGoesWithout) {
  ControlReceiver receiver;
  std::string lost = Frame("lost", 2);
  std::string pieces[] = {lost.substr(0, 5), lost.substr(5) + Frame("none") + Frame("whole", 1)};
  ASSERT_TRUE(receiver.Append(pieces[0].data(), pieces[0].size(), {}, /*fds_lost=*/true).ok());
  ASSERT_FALSE(receiver.Next().value().has_value());
  ASSERT_TRUE(Append(&receiver, pieces[1], 1).ok());

  std::vector<ControlFrame> frames;
  for (;;) {
    auto frame = receiver.Next();
    ASSERT_TRUE(frame.ok()) << frame.status().message;
    if (!frame->has_value()) break;
    frames.push_back(std::move(**frame));
  }

  ASSERT_EQ(frames.size(), 3u);
  EXPECT_TRUE(frames[0].fds_lost && frames[0].fds.empty());
  EXPECT_FALSE(frames[1].fds_lost);
  EXPECT_FALSE(frames[2].fds_lost);
  EXPECT_EQ(frames[2].fds.size(), 1u);
}

TEST(ControlReceiver, C2_4_RefusesAFrameThatWouldTakeAnothersLostDescriptors) {
  ControlReceiver receiver;
  ASSERT_TRUE(Append(&receiver, Frame("two", 2), 1).ok());
  ASSERT_TRUE(receiver.Append("", 0, {}, /*fds_lost=*/true).ok());

  EXPECT_EQ(receiver.Next().status().code, Code::kInvalidArgument);
}

TEST(ControlSender, TakesAFrameBackOnlyBeforeItsFirstByte) {
  ControlSender sender;
  ASSERT_TRUE(sender.Queue({'x'}).ok());
  ASSERT_TRUE(sender.Queue({'y'}).ok());

  EXPECT_TRUE(sender.Withdraw());
  sender.Written(1);
  EXPECT_FALSE(sender.Withdraw());

  EXPECT_FALSE(sender.empty());
  EXPECT_EQ(sender.frames_sent(), 0u);
}

TEST(ControlReceiver, C2_13_RefusesHeadersOutOfBounds) {
  const std::string headers[] = {
      Header(kControlMagic + 1, kControlVersion, 0, 0),
      Header(kControlMagic, kControlVersion + 1, 0, 0),
      Header(kControlMagic, kControlVersion, kMaxControlFds + 1, 0),
      Header(kControlMagic, kControlVersion, 0, kMaxControlPayload + 1),
      Header(kControlMagic, kControlVersion, 0, UINT32_MAX),
  };
  for (const std::string& header : headers) {
    ControlReceiver receiver;
    ASSERT_TRUE(Append(&receiver, header).ok());

    EXPECT_EQ(receiver.Next().status().code, Code::kInvalidArgument);
  }
}

TEST(ControlReceiver, RefusesFewerDescriptorsThanAnnounced) {
  ControlReceiver receiver;
  ASSERT_TRUE(Append(&receiver, Frame("x", 2), 1).ok());

  auto frame = receiver.Next();

  ASSERT_FALSE(frame.ok());
  EXPECT_NE(frame.status().message.find("announces 2 descriptors, 1 came"), std::string::npos);
}

TEST(ControlReceiver, C2_4_RefusesDescriptorsThatNobodyAnnounced) {
  ControlReceiver receiver;
  ASSERT_TRUE(Append(&receiver, Frame("x"), 1).ok());
  ASSERT_TRUE(receiver.Next().ok());

  EXPECT_FALSE(receiver.Next().ok());
}

// A peer could otherwise park descriptors here until this process has none left.
TEST(ControlReceiver, C2_4_HoldsABoundedNumberOfDescriptors) {
  ControlReceiver receiver;
  std::string frame = Frame(std::string(1000, 'x'), kMaxControlFds);
  Status status = OkStatus();
  int pieces = 0;
  for (; pieces < 100 && status.ok(); ++pieces) {
    status = Append(&receiver, frame.substr(static_cast<size_t>(pieces), 1), kMaxControlFds);
    if (status.ok()) status = receiver.Next().ok() ? OkStatus() : receiver.Next().status();
  }

  EXPECT_EQ(status.code, Code::kInvalidArgument);
  EXPECT_LE(pieces, 4);
}

TEST(ControlReceiver, TakesTheLargestFrame) {
  ControlReceiver receiver;
  std::string stream = Frame(std::string(kMaxControlPayload, 'x'));
  for (size_t at = 0; at < stream.size(); at += ControlReceiver::kMaxPiece) {
    ASSERT_TRUE(Append(&receiver, stream.substr(at, ControlReceiver::kMaxPiece)).ok());
    auto frame = receiver.Next();
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->has_value(), at + ControlReceiver::kMaxPiece >= stream.size());
  }
}

TEST(ControlReceiver, RefusesPiecesThatAreNotTakenOut) {
  ControlReceiver receiver;
  std::string piece(ControlReceiver::kMaxPiece, 'x');
  Status status = OkStatus();
  for (int i = 0; i < 100 && status.ok(); ++i) status = Append(&receiver, piece);

  EXPECT_FALSE(status.ok());
}

TEST(ControlSender, WhatItSendsInPiecesIsReceived) {
  ControlSender sender;
  ASSERT_TRUE(sender.Queue(Bytes("first"), NullFds(3)).ok());
  ASSERT_TRUE(sender.Queue(Bytes("second")).ok());
  ControlReceiver receiver;
  std::vector<ControlFrame> frames;

  while (!sender.empty()) {
    ControlSender::Piece piece = sender.Front();
    size_t size = std::min<size_t>(piece.size, 7);
    ASSERT_TRUE(
        receiver.Append(piece.bytes, size, NullFds(piece.fds ? piece.fds->size() : 0)).ok());
    sender.Written(size);
    auto frame = receiver.Next();
    ASSERT_TRUE(frame.ok()) << frame.status().message;
    if (frame->has_value()) frames.push_back(std::move(**frame));
  }

  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(Payload(frames[0]), "first");
  EXPECT_EQ(frames[0].fds.size(), 3u);
  EXPECT_EQ(Payload(frames[1]), "second");
  EXPECT_EQ(sender.frames_sent(), 2u);
}

TEST(ControlSender, RefusesWhatNoReceiverWouldTake) {
  ControlSender sender;

  EXPECT_FALSE(sender.Queue(std::vector<char>(kMaxControlPayload + 1)).ok());
  EXPECT_FALSE(sender.Queue({}, NullFds(kMaxControlFds + 1)).ok());
  EXPECT_TRUE(sender.empty());
}

TEST(ControlSender, C3_5_HoldsABoundedAmount) {
  ControlSender big, many;
  Status status = OkStatus();
  int frames = 0;
  for (; frames < 100 && status.ok(); ++frames) {
    status = big.Queue(std::vector<char>(kMaxControlPayload));
  }
  EXPECT_EQ(status.code, Code::kResourceExhausted);
  EXPECT_LT(frames, 10);

  status = OkStatus();
  for (frames = 0; frames < 100'000 && status.ok(); ++frames) status = many.Queue({});
  EXPECT_EQ(status.code, Code::kResourceExhausted);
}

}  // namespace
}  // namespace tvmffi
