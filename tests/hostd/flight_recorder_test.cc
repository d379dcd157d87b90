#include "hostd/supervisor/flight_recorder.h"

#include <gtest/gtest.h>

namespace tvmffi::hostd {
namespace {

EndedWorker Ended(const std::string& label) {
  EndedWorker worker;
  worker.label = label;
  worker.calls.totals.calls = 1;
  return worker;
}

TEST(EventRing, KeepsLittleMoreOfATextThanDocumentsShow) {
  EventRing ring;

  ring.Add(EventText(wire::LendModule{1, 2, "/" + std::string(4000, 'p')}));

  EXPECT_EQ(ring.events().back().text.substr(0, 14), "module lent: /");
  EXPECT_LE(ring.events().back().text.size(), kShownText + 4);
}

// A counter that is scraped never goes back: its worker's end changes nothing, nor another's.
TEST(FlightRecorder, B22_AModuleIsCountedInOneSeriesFromItsStartOn) {
  FlightRecorder recorder;
  for (size_t i = 0; i + 1 < FlightRecorder::kMaxLabels; ++i) {
    recorder.Expect("m" + std::to_string(i));
    recorder.Add(Ended("m" + std::to_string(i)));
  }
  recorder.Expect("first");
  recorder.Expect("second");
  EXPECT_EQ(CountedAs(recorder.calls(), "first"), "first");
  EXPECT_EQ(CountedAs(recorder.calls(), "second"), "other");

  recorder.Add(Ended("second"));

  EXPECT_EQ(CountedAs(recorder.calls(), "first"), "first");
  EXPECT_EQ(CountedAs(recorder.calls(), "second"), "other");
  EXPECT_EQ(recorder.calls().at("other").calls, 1u);
  recorder.Add(Ended("first"));
  EXPECT_EQ(recorder.calls().at("first").calls, 1u);
}

}  // namespace
}  // namespace tvmffi::hostd
