#include "recipe/data/tables/record_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/visit_array_inline.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/utf8.h"

namespace tune {
namespace {

using arrow::Status;

template <class T>
concept Number = arrow::is_number_type<T>::value && !arrow::is_half_float_type<T>::value;

// Visits the arrays of one record, each value by its array and index. A value that has no
// text ends it with an error; `path` is then that of the value.
class ValueWriter {
 public:
  explicit ValueWriter(std::string* text) : text_(text) {}

  Status Write(const arrow::Array& array, int64_t i) {
    if (array.IsNull(i)) return Put("null");
    return arrow::VisitArrayInline(array, this, i);
  }

  const std::string& path() const { return path_; }

  Status Visit(const arrow::BooleanArray& array, int64_t i) {
    return Put(array.Value(i) ? "true" : "false");
  }
  template <Number T>
  Status Visit(const arrow::NumericArray<T>& array, int64_t i) {
    return Put(DumpJson(Json(array.Value(i))));
  }
  template <class T>
  Status Visit(const arrow::BaseBinaryArray<T>& array, int64_t i) {
    return PutText(array.GetView(i));
  }
  Status Visit(const arrow::BinaryViewArray& array, int64_t i) { return PutText(array.GetView(i)); }
  Status Visit(const arrow::StructArray& array, int64_t i) {
    ARROW_RETURN_NOT_OK(Put("{"));
    for (int k = 0; k < array.num_fields(); ++k) {
      const std::string& name = array.type()->field(k)->name();
      ARROW_RETURN_NOT_OK(Put(absl::StrCat(k == 0 ? "" : ",", DumpJson(Json(name)), ":")));
      ARROW_RETURN_NOT_OK(Inside(absl::StrCat(".", name), Write(*array.field(k), i)));
    }
    return Put("}");
  }
  template <class T>
  Status Visit(const arrow::BaseListArray<T>& array, int64_t i) {
    return PutList(*array.values(), array.value_offset(i), array.value_length(i));
  }
  Status Visit(const arrow::FixedSizeListArray& array, int64_t i) {
    return PutList(*array.values(), array.value_offset(i), array.value_length(i));
  }
  Status Visit(const arrow::DictionaryArray& array, int64_t i) {
    // Parquet's reader takes an index as it stands in the file.
    const int64_t index = array.GetValueIndex(i);
    if (index < 0 || index >= array.dictionary()->length()) {
      return Status::Invalid("is damaged: it is value ", index, " of a dictionary of ",
                             array.dictionary()->length());
    }
    return Write(*array.dictionary(), index);
  }
  Status Visit(const arrow::ExtensionArray& array, int64_t i) { return Write(*array.storage(), i); }
  Status Visit(const arrow::Array& array, int64_t i) {
    ARROW_ASSIGN_OR_RAISE(const auto scalar, array.GetScalar(i));
    return PutText(scalar->ToString());
  }

 private:
  Status Put(std::string_view json) {
    if (text_->size() + json.size() > kMaxRowBytes) return Status::CapacityError("too long");
    text_->append(json);
    return Status::OK();
  }
  Status PutText(std::string_view value) {
    if (value.size() > kMaxRowBytes) return Status::CapacityError("too long");
    const absl::string_view bytes(value.data(), value.size());
    if (ValidUtf8Prefix(bytes) < bytes.size()) return Status::Invalid("is not valid UTF-8");
    return Put(DumpJson(Json(value)));
  }
  Status PutList(const arrow::Array& values, int64_t first, int64_t size) {
    ARROW_RETURN_NOT_OK(Put("["));
    for (int64_t i = 0; i < size; ++i) {
      if (i > 0) ARROW_RETURN_NOT_OK(Put(","));
      ARROW_RETURN_NOT_OK(Inside(absl::StrCat("[", i, "]"), Write(values, first + i)));
    }
    return Put("]");
  }

  // An error on its way out gathers where it was.
  Status Inside(std::string_view step, Status status) {
    if (!status.ok()) path_.insert(0, step);
    return status;
  }

  std::string* text_;
  std::string path_;
};

}  // namespace

void WriteRecord(const arrow::Array& records, int64_t i, RowText* row) {
  ValueWriter writer(&row->text);
  const Status status = writer.Write(records, i);
  if (status.ok()) return;
  row->too_long = status.IsCapacityError();
  if (!row->too_long) row->problem = absl::StrCat(writer.path().substr(1), ": ", status.message());
}

}  // namespace tune
