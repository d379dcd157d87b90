// Frames that between them hold every kind of cell: where hostile ones start from.
#ifndef TVMFFI_TESTS_PROTO_SAMPLE_FRAMES_H_
#define TVMFFI_TESTS_PROTO_SAMPLE_FRAMES_H_

#include <string>
#include <vector>

namespace tvmffi {

struct SampleFrame {
  std::string name;
  std::vector<char> bytes;
};

// The last one holds everything the others do.
std::vector<SampleFrame> SampleFrames();

}  // namespace tvmffi

#endif  // TVMFFI_TESTS_PROTO_SAMPLE_FRAMES_H_
