// The C header and the interface section.
#include "qc/Conversion/Bundle.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qc {
namespace {
/// C type of a port's element; sub-byte codes and bool take a byte.
std::string cType(StringRef type) {
  if (type == "f32")
    return "float";
  bool isUnsigned = type.consume_front("u") || type == "i1";
  type.consume_front("s");
  unsigned bits = 8;
  type.drop_front().getAsInteger(10, bits);
  return (isUnsigned ? "uint" : "int") + std::to_string(PowerOf2Ceil(std::max(8u, bits))) + "_t";
}

/// Parameter names: identifiers of the ports, made unique.
std::vector<std::string> parameterNames(const BundleInfo &info) {
  std::vector<std::string> names;
  StringSet<> used{"arena"};
  if (info.threads > 1) {
    used.insert("parallel_for");
    used.insert("pool");
  }
  static const StringSet<> keywords{"int",      "float",  "double",    "char",     "short",     "long",     "auto",   "static",
                                    "const",    "void",   "if",        "else",     "for",       "while",    "do",     "return",
                                    "switch",   "case",   "default",   "break",    "continue",  "struct",   "union",  "enum",
                                    "typedef",  "signed", "unsigned",  "goto",     "register",  "restrict", "inline", "extern",
                                    "volatile", "sizeof", "new",       "delete",   "class",     "template", "this",   "operator",
                                    "private",  "public", "protected", "virtual",  "namespace", "using",    "true",   "false",
                                    "bool",     "and",    "or",        "not",      "xor",       "try",      "catch",  "throw",
                                    "typename", "friend", "export",    "explicit", "mutable"};
  for (const auto *ports : {&info.inputs, &info.outputs})
    for (const Port &port : *ports) {
      std::string name = toIdentifier(port.name), unique = keywords.contains(name) ? name + "_" : name;
      for (int i = 2; !used.insert(unique).second; ++i)
        unique = name + "_" + std::to_string(i);
      names.push_back(unique);
    }
  return names;
}

void declare(raw_ostream &os, const BundleInfo &info, bool f32) {
  auto names = parameterNames(info);
  os << "void " << info.name << info.suffix(f32) << "(";
  size_t next = 0;
  for (const Port &port : info.inputs)
    os << "const " << cType(f32 ? port.f32Type : port.type) << " " << names[next++] << "[" << port.elements() << "], ";
  for (const Port &port : info.outputs)
    os << cType(f32 ? port.f32Type : port.type) << " " << names[next++] << "[" << port.elements() << "], ";
  os << "void *arena" << (info.threads > 1 ? ", qc_parallel_for parallel_for, void *pool" : "") << ");\n";
}

/// The same type in the headers of all networks, so that one pool serves them.
void declareCallback(raw_ostream &os, StringRef upper, int64_t threads) {
  os << "/* Threads are the caller's. parallel_for(pool, task, context, count) calls task(context, index, slot) once for each "
        "index\n"
        "   in [0, count), in any order and on any threads, and returns when all calls have. Calls that run at the same time "
        "have\n"
        "   different slots in [0, "
     << upper << "_THREADS). A null parallel_for: everything runs on the caller. The results are the same bytes. */\n#define "
     << upper << "_THREADS " << threads
     << "\n#ifndef QC_PARALLEL_FOR\n#define QC_PARALLEL_FOR\n"
        "typedef void (*qc_task)(void *context, uint32_t index, uint32_t slot);\n"
        "typedef void (*qc_parallel_for)(void *pool, qc_task task, void *context, uint32_t count);\n#endif\n\n";
}

/// The error of each function against the correctly rounded one, and the largest of all.
void describeActivations(raw_ostream &os, StringRef upper, const json::Array &activations) {
  if (activations.empty())
    return;
  double largest = 0;
  os << "/* Activations: form, pieces or entries; largest and mean error in codes of the result against the rounded real "
        "function.\n";
  for (const json::Value &value : activations) {
    const json::Object &row = *value.getAsObject();
    largest = std::max(largest, row.getNumber("max_error").value_or(0));
    // A name must not end the comment.
    std::string name;
    for (char c : row.getString("name").value_or(""))
      name += isPrint(c) && c != '*' && c != '\\' ? c : '_';
    os << "   " << name << " (" << row.getString("function").value_or("") << "): " << row.getString("form").value_or("") << ", "
       << row.getInteger("pieces").value_or(0) << "; " << int64_t(row.getNumber("max_error").value_or(0)) << ", "
       << format("%.4f", row.getNumber("mean_error").value_or(0)) << "\n";
  }
  os << "*/\n#define " << upper << "_ACTIVATION_ERROR " << int64_t(largest) << "\n";
}

void definePorts(raw_ostream &os, StringRef prefix, StringRef kind, const std::vector<Port> &ports) {
  for (const Port &port : ports) {
    std::string base = (prefix + "_" + kind).str();
    if (ports.size() > 1)
      base += "_" + StringRef(toIdentifier(port.name)).upper();
    os << "\n#define " << base << "_NAME \"";
    os.write_escaped(port.name) << "\"\n#define " << base << "_SIZE " << port.elements() << "\n#define " << base << "_SHAPE {";
    interleaveComma(port.shape.empty() ? std::vector<int64_t>{1} : port.shape, os);
    os << "}\n#define " << base << "_RANK " << port.shape.size() << "\n";
    if (port.scale) {
      os << "#define " << base << "_SCALE " << format("%.9e", *port.scale) << "f\n";
      os << "#define " << base << "_ZERO_POINT " << *port.zeroPoint << "\n";
    }
    if (port.sequence)
      os << "#define " << base << "_SEQUENCE_AXIS " << port.sequence->axis << "\n#define " << base << "_SEQUENCE_LENGTH "
         << port.sequence->length << "\n#define " << base << "_SEQUENCE_LEAD " << port.sequence->lead << "\n";
    if (kind == "STATE")
      os << "#define " << base << "_OFFSET " << port.offset << "\n";
  }
}
/// What the caller of a step must know.
void describeStep(raw_ostream &os, const BundleInfo &info) {
  int64_t rows = 0, length = 0;
  std::string sequence, position, late;
  for (const Port &port : info.inputs) {
    if (port.sequence) {
      rows = port.shape[port.sequence->axis];
      length = port.sequence->length;
      sequence = port.name;
    }
    if (port.position)
      position = port.name;
  }
  for (const Port &port : info.outputs)
    if (port.sequence && port.sequence->lead)
      late += (late.empty() ? "" : ", ") + port.name + " (" + std::to_string(port.sequence->lead) + ")";
  auto clean = [](std::string text) { // a name must not end the comment
    for (char &c : text)
      c = isPrint(c) && c != '*' && c != '\\' ? c : '_';
    return text;
  };
  os << "/* One step of a sequence: " << clean(sequence) << " takes its next "
     << (rows == 1 ? "row" : std::to_string(rows) + " rows")
     << ", and outputs give theirs, with the codes of the whole sequence.\n";
  if (!position.empty())
    os << "   " << clean(position) << ": the number of the step, from 0 to " << length - 1 << "; one after another.\n";
  if (!late.empty())
    os << "   Outputs that come so many rows later than their input: " << clean(late) << ".\n";
  os << "*/\n";
}
} // namespace

std::string toIdentifier(StringRef name) {
  std::string result;
  for (char c : name)
    result += isAlnum(c) ? c : '_';
  if (result.empty() || isDigit(result[0]))
    result.insert(result.begin(), '_');
  return result;
}

json::Array describePorts(const std::vector<Port> &ports) {
  json::Array list;
  for (const Port &port : ports) {
    json::Object row{{"name", port.name},
                     {"shape", json::Array(port.shape)},
                     {"type", port.type},
                     {"f32_type", port.f32Type},
                     {"f32", port.f32Type == "f32"}};
    if (port.scale) {
      row["scale"] = *port.scale;
      row["zero_point"] = *port.zeroPoint;
    }
    if (port.sequence)
      row["sequence"] =
          json::Object{{"axis", port.sequence->axis}, {"length", port.sequence->length}, {"lead", port.sequence->lead}};
    if (port.position)
      row["position"] = true;
    if (!port.next.empty()) {
      row["next"] = port.next;
      row["offset"] = port.offset;
    }
    list.push_back(std::move(row));
  }
  return list;
}

std::string makeHeader(const BundleInfo &info) {
  std::string text, upper = StringRef(info.name).upper();
  raw_string_ostream os(text);
  os << "/* " << info.name << ": made by qcc " QCC_VERSION " for " << info.target.triple << " (" << info.target.headerNote
     << ").\n"
     << "   Every pointer is the caller's; buffers must not overlap. No heap, "
     << (info.states.empty() ? "no state: one arena per thread makes it reentrant. */\n"
                             : "no state but in the arena: one arena per sequence. */\n")
     << "#ifndef " << upper << "_H\n#define " << upper
     << "_H\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  os << "/* 1: no floating-point instruction in " << info.name << info.suffix(false) << ". */\n#define " << upper
     << "_INTEGER_ONLY " << info.integerOnly() << "\n";
  if (info.run.present)
    os << "/* Rounding contract of every requantization. */\n#define " << upper << "_REQUANT \"" << info.requant << "\"\n";
  os << "/* Scratch memory that the caller provides, in bytes, and its alignment. */\n";
  if (info.run.present)
    os << "#define " << upper << "_ARENA_BYTES " << info.run.arenaBytes << "\n";
  if (info.runF32.present)
    os << "#define " << upper << "_F32_ARENA_BYTES " << info.runF32.arenaBytes << "\n";
  os << "#define " << upper << "_ARENA_ALIGN " << arenaAlign << "\n";
  os << "/* Scratch on the stack, besides saved registers and spills. */\n#define " << upper << "_STACK_BYTES "
     << std::max(info.run.stackBytes, info.runF32.stackBytes) << "\n";
  if (!info.storedWeights.empty()) {
    int64_t bytes = 0, floats = 0;
    for (const json::Value &row : info.storedWeights) {
      bytes += row.getAsObject()->getInteger("bytes").value_or(0);
      floats += row.getAsObject()->getInteger("float_bytes").value_or(0);
    }
    os << "/* Computes in f32 with weights of fewer bits: how (qcc -mode), their bytes, and what they would take as f32. "
          "*/\n#define "
       << upper << "_MODE \"" << info.options.getString("mode").value_or("") << "\"\n#define " << upper << "_WEIGHT_BYTES "
       << bytes << "\n#define " << upper << "_F32_WEIGHT_BYTES " << floats << "\n";
  }
  describeActivations(os, upper, info.activations);
  definePorts(os, upper, "INPUT", info.inputs);
  definePorts(os, upper, "OUTPUT", info.outputs);
  if (!info.states.empty()) {
    os << "\n/* What is kept from call to call lies at the start of the arena: so many bytes. */\n#define " << upper
       << "_STATE_BYTES " << info.stateBytes() << "\n";
    if (!info.step) // those of a step have no meaning outside
      definePorts(os, upper, "STATE", info.states);
  }
  os << "\n";
  if (info.threads > 1)
    declareCallback(os, upper, info.threads);
  if (!info.states.empty())
    os << "/* Sets the states to their start, before the first call and before each new sequence. Arena: that of the other "
          "calls. */\n"
       << "void " << info.name << "_reset(void *arena);\n";
  if (info.step)
    describeStep(os, info);
  if (info.run.present) {
    os << "/* Integer codes in the model's shape and layout: real = SCALE * (code - ZERO_POINT). Arena: " << upper
       << "_ARENA_BYTES. */\n";
    declare(os, info, false);
  }
  if (info.runF32.present) {
    os << "/* Real values in f32" << (info.run.present ? "; converts and calls " + info.name + info.suffix(false) : "")
       << ". Arena: " << upper << "_F32_ARENA_BYTES. */\n";
    declare(os, info, true);
  }
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << upper << "_H */\n";
  return text;
}

std::string makeInterface(const BundleInfo &info) {
  json::Object root{
      {"version", 1},
      {"name", info.name},
      {"target", json::Object{{"triple", info.target.triple}, {"cpu", info.target.cpu}, {"features", info.target.features}}},
      {"integer_only", info.integerOnly()},
      {"requant", info.requant},
      {"inputs", describePorts(info.inputs)},
      {"outputs", describePorts(info.outputs)}};
  if (!info.states.empty()) {
    root["states"] = describePorts(info.states);
    root["reset"] = info.name + "_reset";
  }
  for (auto [key, f32, entry] : {std::make_tuple("run", false, &info.run), std::make_tuple("run_f32", true, &info.runF32)})
    if (entry->present)
      root[key] = json::Object{{"symbol", info.name + info.suffix(f32)},
                               {"arena_bytes", entry->arenaBytes},
                               {"arena_align", arenaAlign},
                               {"kernels", json::Array(entry->kernels)}};
  if (info.threads > 1)
    root["threads"] = info.threads;
  std::string text;
  raw_string_ostream(text) << json::Value(std::move(root));
  return text;
}
} // namespace qc
