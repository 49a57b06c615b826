#include "qc/Target/Target.h"
