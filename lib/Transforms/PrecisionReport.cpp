// Why each layer and activation has its bits: what one step down and one step up would bring.
#include "PrecisionReport.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace qc {
static std::string formatLoss(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", value);
  return text;
}

/// What is chosen, with candidate `candidate` of unit `u` and what goes with it.
Assignment PrecisionReport::getVariant(size_t u, size_t candidate) const {
  Assignment result = chosen.choice;
  result[u] = candidate;
  for (const PrecisionLink &link : space.problem.links)
    if (link.other == u) {
      size_t types = space.getTypes(space.rows[space.units[link.layer].index]);
      result[link.layer] = result[link.layer] / types * types + candidate;
    }
  return result;
}

/// What one step down and one step up would bring.
std::string PrecisionReport::getReason(size_t u) const {
  const PrecisionSpace::Unit &unit = space.units[u];
  // The other candidates of the same kind.
  size_t types = unit.isGroup ? 1 : space.getTypes(space.rows[unit.index]), count = space.problem.layers[u].size() / types;
  std::vector<Costs> list;
  for (size_t i = 0; i < count; ++i)
    list.push_back(getTotal(space.problem, getVariant(u, i * types + chosen.choice[u] % types)));
  // What activations themselves take, without the scratch of layers.
  for (size_t i = 0; i < count && unit.isGroup; ++i)
    at(list[i], Cost::Arena) = at(space.problem.layers[u][i], Cost::Arena);
  size_t choice = chosen.choice[u] / types;
  auto getBitsOf = [&](size_t i) { return std::to_string(space.getBits(unit, i * types)); };
  Cost cost = space.problem.objective;
  if (cost == Cost::Loss) {
    cost = unit.isGroup ? Cost::Arena : Cost::WeightBytes;
    for (const Budget &budget : llvm::reverse(getBudgets())) {
      bool differs =
          llvm::any_of(list, [&](const Costs &each) { return at(each, budget.cost) != at(list[choice], budget.cost); });
      if (space.getGiven(budget.cost) >= 0 && (unit.isGroup ? differs : budget.cost != Cost::Arena))
        cost = budget.cost;
    }
  }
  StringRef unitName;
  for (const Budget &budget : getBudgets())
    if (budget.cost == cost)
      unitName = budget.unit;
  auto amount = [&](double value) {
    std::string text = formatNumber(std::round(100 * space.inUnits(cost, value)) / 100);
    return llvm::formatv("{0} {1}{2}", text, unitName, cost == Cost::Arena && unit.isGroup ? " of activations" : "").str();
  };
  auto getLoss = [&](size_t i) { return at(space.problem.layers[u][i * types + chosen.choice[u] % types], Cost::Loss); };
  // The next cheaper and the next dearer one; of several that cost the same the one that loses least.
  std::string text;
  double here = at(list[choice], cost);
  auto find = [&](bool cheaper) {
    std::optional<size_t> best;
    for (size_t i = 0; i < list.size(); ++i) {
      double value = at(list[i], cost), tiny = 1e-9 * std::fabs(here);
      if (cheaper ? value >= here - tiny : value <= here + tiny)
        continue;
      double least = best ? at(list[*best], cost) : 0;
      if (!best || (cheaper ? value >= least : value <= least))
        best = i;
    }
    return best;
  };
  if (auto i = find(true))
    text = getBitsOf(*i) + " bits would save " + amount(here - at(list[*i], cost)) + " and lose " +
           formatLoss(getLoss(*i) - getLoss(choice)) + " more";
  if (auto i = find(false))
    text += (text.empty() ? "" : "; ") + getBitsOf(*i) + " bits would cost " + amount(at(list[*i], cost) - here) +
            " more and save " + formatLoss(getLoss(choice) - getLoss(*i));
  return text.empty() ? "no other candidate costs less or more" : text;
}

void PrecisionReport::record() {
  space.set(chosen.choice);
  Builder b(space.function.getContext());
  auto integer = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getI64IntegerAttr(int64_t(value))); };
  auto number = [&](StringRef key, double value) { return b.getNamedAttr(key, b.getF64FloatAttr(value)); };
  auto text = [&](StringRef key, const Twine &value) { return b.getNamedAttr(key, b.getStringAttr(value)); };
  SmallVector<Attribute> list;
  for (auto [row, each] : llvm::zip_equal(space.rows, space.costs)) {
    double bytes = row.unit ? 0 : at(each.front().front(), Cost::WeightBytes), loss = 0;
    std::string reason = row.reason, bits;
    SmallVector<Attribute> slices;
    for (size_t s = 0; row.unit && s < space.getSlices(row); ++s) {
      size_t u = *row.unit + s, choice = chosen.choice[u];
      const Costs &unitCosts = space.problem.layers[u][choice];
      bytes += at(unitCosts, Cost::WeightBytes);
      loss += at(unitCosts, Cost::Loss);
      if (row.free && space.getSlices(row) == 1)
        reason = getReason(u);
      if (space.getSlices(row) == 1)
        continue;
      const LayerSensitivity &layer = space.layers[*row.free];
      bits += (s ? ", " : "") + std::to_string(space.getBits(space.units[u], choice));
      slices.push_back(b.getDictionaryAttr(
          {integer("bits", space.getBits(space.units[u], choice)), integer("bytes", at(unitCosts, Cost::WeightBytes)),
           integer("channels", layer.ends[s] - layer.getBegin(s)), number("loss", at(unitCosts, Cost::Loss)),
           text("name", space.units[u].name), text("reason", getReason(u))}));
      emitRemark(row.op->getLoc()) << "weights of " << space.getBits(space.units[u], choice) << " bits for channels "
                                   << layer.getBegin(s) << " to " << layer.ends[s] - 1 << ": " << getReason(u);
    }
    if (!slices.empty())
      reason = "its runs of channels have " + bits + " bits";
    NamedAttrList entry;
    entry.append(integer("bits", row.bits));
    entry.append(integer("bytes", bytes));
    entry.append(number("loss", loss));
    entry.append(text("name", getLocName(row.op->getLoc())));
    entry.append(text("reason", reason));
    if (!slices.empty())
      entry.append("slices", b.getArrayAttr(slices));
    list.push_back(entry.getDictionary(space.function.getContext()));
    if (slices.empty())
      emitRemark(row.op->getLoc()) << "weights of " << row.bits << " bits: " << reason;
  }
  space.function->setAttr("qc.precision", b.getArrayAttr(list));
  SmallVector<Attribute> activations;
  for (auto [g, group] : llvm::enumerate(space.groups)) {
    size_t choice = chosen.choice[g];
    std::string reason = getReason(g);
    SmallVector<Attribute> tensors;
    for (const ActivationGroup::Member &member : group.members) {
      tensors.push_back(b.getStringAttr(member.id));
      quant::QuantizeCastOp qcast = member.qcast;
      emitRemark(qcast.getLoc()) << "activations of " << group.bits[choice] << " bits: " << reason;
    }
    activations.push_back(
        b.getDictionaryAttr({integer("bits", group.bits[choice]), number("loss", group.losses[choice]), text("name", group.name),
                             text("reason", reason), b.getNamedAttr("tensors", b.getArrayAttr(tensors))}));
  }
  if (!activations.empty())
    space.function->setAttr("qc.precision_activations", b.getArrayAttr(activations));
  dropChoices(space.groups);
  SmallVector<NamedAttribute> total{number("agreement", chosen.outcome->getAgreement()),
                                    integer("held_out", double(chosen.outcome->samples)),
                                    number("loss", at(chosen.total, Cost::Loss)),
                                    number("held_out_loss", chosen.outcome->loss),
                                    integer("weight_bytes", at(chosen.total, Cost::WeightBytes)),
                                    number("latency_us", space.inUnits(Cost::Cycles, at(chosen.total, Cost::Cycles))),
                                    integer("ace", at(chosen.total, Cost::Ace)),
                                    integer("bops", at(chosen.total, Cost::Bops))};
  if (space.precision.maxFlash >= 0 || space.precision.maxArena >= 0) {
    total.push_back(integer("flash", at(chosen.total, Cost::Flash)));
    total.push_back(integer("arena", at(chosen.total, Cost::Arena)));
  }
  space.function->setAttr("qc.precision_total", b.getDictionaryAttr(total));
  if (front.empty())
    return;
  SmallVector<Attribute> points;
  for (const PrecisionPoint &point : front)
    points.push_back(b.getDictionaryAttr(
        {number("agreement", point.outcome->getAgreement()), number("held_out_loss", point.outcome->loss),
         number("loss", at(point.total, Cost::Loss)), integer("weight_bytes", at(point.total, Cost::WeightBytes))}));
  space.function->setAttr("qc.pareto", b.getArrayAttr(points));
}

llvm::json::Value PrecisionReport::describeFront() const {
  llvm::json::Array points;
  for (const PrecisionPoint &point : front) {
    llvm::json::Array bits;
    for (const PrecisionSpace::Row &row : space.rows) {
      // One number, or one for each slice.
      llvm::json::Array slices;
      for (size_t s = 0; row.unit && s < space.getSlices(row); ++s)
        slices.push_back(int64_t(space.getBits(space.units[*row.unit + s], point.choice[*row.unit + s])));
      bool isOne = llvm::all_of(slices, [&](const llvm::json::Value &value) { return value == slices.front(); });
      bits.push_back(slices.empty() ? llvm::json::Value(int64_t(row.bits))
                     : isOne        ? slices.front()
                                    : llvm::json::Value(std::move(slices)));
    }
    points.push_back(llvm::json::Object{{"weight_bytes", int64_t(at(point.total, Cost::WeightBytes))},
                                        {"loss", at(point.total, Cost::Loss)},
                                        {"held_out_loss", point.outcome->loss},
                                        {"held_out_agreement", point.outcome->getAgreement()},
                                        {"bits", std::move(bits)}});
  }
  llvm::json::Array names;
  for (const PrecisionSpace::Row &row : space.rows)
    names.push_back(getLocName(row.op->getLoc()));
  return llvm::json::Object{{"version", 1},
                            {"layers", std::move(names)},
                            {"held_out", chosen.outcome->samples},
                            {"chosen", llvm::json::Object{{"weight_bytes", int64_t(at(chosen.total, Cost::WeightBytes))},
                                                          {"loss", at(chosen.total, Cost::Loss)},
                                                          {"held_out_agreement", chosen.outcome->getAgreement()}}},
                            {"points", std::move(points)}};
}
} // namespace qc
