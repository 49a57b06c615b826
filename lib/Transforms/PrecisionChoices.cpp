// Groups of activations and slices of layers.
#include "PrecisionChoices.h"
#include "Quantizable.h"

using namespace mlir;

namespace qc {
void ActivationGroup::set(size_t i) const {
  for (const Member &member : members) {
    quant::QuantizeCastOp qcast = member.qcast;
    qcast.getResult().setType(withElementType(cast<ShapedType>(qcast.getResult().getType()), member.types[i]));
  }
}

int64_t ActivationGroup::getSize() const {
  int64_t size = 0;
  for (const Member &member : members) {
    quant::QuantizeCastOp qcast = member.qcast;
    size += cast<ShapedType>(qcast.getResult().getType()).getNumElements();
  }
  return size;
}

std::vector<ActivationGroup> findActivationGroups(func::FuncOp function) {
  std::vector<ActivationGroup> groups;
  function.walk([&](quant::QuantizeCastOp qcast) {
    auto attr = qcast->getAttrOfType<DictionaryAttr>(typeCandidatesName);
    if (!attr)
      return;
    std::string name = attr.getAs<StringAttr>("group").str();
    SmallVector<Type> types =
        llvm::map_to_vector(attr.getAs<ArrayAttr>("types").getAsValueRange<TypeAttr>(), [](Type type) { return type; });
    llvm::sort(types, [](Type a, Type b) {
      return cast<quant::QuantizedType>(a).getStorageTypeIntegralWidth() <
             cast<quant::QuantizedType>(b).getStorageTypeIntegralWidth();
    });
    auto group = llvm::find_if(groups, [&](const ActivationGroup &each) { return each.name == name; });
    if (group == groups.end()) {
      group = groups.insert(groups.end(), ActivationGroup());
      group->name = name;
      for (auto [i, type] : llvm::enumerate(types)) {
        group->bits.push_back(cast<quant::QuantizedType>(type).getStorageTypeIntegralWidth());
        if (type == getElementType(qcast.getResult()))
          group->given = i;
      }
    }
    group->members.push_back({qcast, attr.getAs<StringAttr>("id").str(), std::move(types)});
  });
  return groups;
}

std::optional<size_t> findGroup(ArrayRef<ActivationGroup> groups, Value value) {
  auto dcast = value.getDefiningOp<quant::DequantizeCastOp>();
  auto qcast = dcast ? dcast.getInput().getDefiningOp<quant::QuantizeCastOp>() : nullptr;
  for (auto [i, group] : llvm::enumerate(groups))
    if (llvm::any_of(group.members, [&](const ActivationGroup::Member &member) { return member.qcast == qcast; }))
      return i;
  return std::nullopt;
}

void dropChoices(ArrayRef<ActivationGroup> groups) {
  for (const ActivationGroup &group : groups)
    for (const ActivationGroup::Member &member : group.members) {
      quant::QuantizeCastOp qcast = member.qcast;
      qcast->removeAttr(typeCandidatesName);
    }
}

std::string getSliceName(int64_t begin, int64_t end) { return "[" + std::to_string(begin) + ":" + std::to_string(end) + "]"; }

std::vector<int64_t> getSliceEnds(const Contraction &contraction, unsigned count) {
  int64_t channels = contraction.channels, parts = channels / sliceChannels;
  if (contraction.groups != 1 || !canSplit(contraction.op))
    parts = 1;
  parts = std::clamp<int64_t>(parts, 1, count);
  std::vector<int64_t> ends;
  for (int64_t i = 1; i < parts; ++i)
    ends.push_back(i * channels / parts / sliceChannels * sliceChannels);
  ends.push_back(channels);
  return ends;
}
} // namespace qc
