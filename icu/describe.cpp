// Tells DuckDB of the ICU extension that is linked into the program.

#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb_static_extension.h"

extern "C" void icu_duckdb_cpp_init(duckdb::ExtensionLoader &loader);

static int32_t Describe(duckdb_extension_descriptor *descriptor) {
	if (descriptor->version < 1) {
		descriptor->set_error(descriptor, "the extension icu needs descriptor layout 1");
		return 1;
	}
	descriptor->version = 1;
	descriptor->name = "icu";
	descriptor->extension_version = "";
	descriptor->api_version = "v2.0.0";
	descriptor->entry_cpp = (void (*)(void))icu_duckdb_cpp_init;
	return 0;
}

//! Makes ICU a part of every database that is opened afterwards. Returns 0 on success; to do it again does nothing.
extern "C" int32_t vmesh_register_icu(void) {
	return duckdb_register_static_extension(Describe);
}
