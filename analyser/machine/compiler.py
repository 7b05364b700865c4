"""numba's compiler with only what our functions need of it: half of the first run's wait was for the rest.

Knows numba's passes and code libraries; what is compiled is not its business. numba compiles every function of its own: each
is linked with all that it calls, optimised and turned into machine code that nobody runs. Here LLVM sees everything once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.typed_passes import NativeLowering, NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.types.functions import BaseFunction
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode


class Library(JITCodeLibrary):
    """What one function is in LLVM's language, and the libraries of those that it calls; nothing is compiled."""

    def __init__(self, codegen: Any, name: str) -> None:
        JITCodeLibrary.__init__(self, codegen, name)
        self.texts: list[str] = []
        self.called: list[Any] = []

    def add_ir_module(self, ir_module: Any) -> None:
        """Keep a module for :func:`linked`."""
        self.texts.append(str(ir_module))

    def add_linking_library(self, library: Any) -> None:
        """Remember what is called."""
        self.called.append(library)

    def finalize(self) -> None:
        """Do nothing: the whole is compiled at once."""


@register_pass(mutates_CFG=False, analysis_only=False)
class Naming(LoweringPass):
    """Make a function known to those that call it: numba does so when it has machine code, which is not made here."""

    _name = "kernel_naming"

    def __init__(self) -> None:
        LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Give the function an object that stands for its code; numba takes built-in functions only, and compares them."""
        nowhere: list[Any] = []
        lowered, name = state["cr"], nowhere.append
        state["cr"] = lowered._replace(cfunc=name)
        state.targetctx.insert_user_function(name, lowered.fndesc, [state.library])
        return True


class Pipeline(CompilerBase):
    """From Python to LLVM's language by the passes that our functions need.

    They have no closures, no objects whose references are counted, no exceptions, and nothing that numba rewrites.
    """

    lean = True
    """Whether functions are compiled so; else as numba does it by itself."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes."""
        if not Pipeline.lean:
            return [DefaultPassBuilder.define_nopython_pipeline(self.state)]
        self.state.flags.no_compile = True
        self.state.library = Library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        manager = PassManager("kernel")
        for one in (
            TranslateByteCode, FixupArgs, IRProcessing, ReconstructSSA, NopythonTypeInference, PreLowerStripPhis,
            NativeLowering, Naming, NoPythonBackend,
        ):  # fmt: skip
            manager.add_pass(one, one.__name__)
        manager.finalize()
        return [manager]


@contextmanager
def remembering() -> Iterator[None]:
    """Let numba find the type of an operation once per kinds of operands: it looks through all its operators each time."""
    known: dict[Any, Any] = {}
    operators: Any = BaseFunction
    find = operators.get_call_type

    def remembered(self: Any, context: Any, args: Any, kws: Any) -> Any:
        key = (self, tuple(args))
        if kws or key not in known:
            found = find(self, context, args, kws)
            if kws:
                return found
            known[key] = found
        return known[key]

    operators.get_call_type = remembered
    try:
        yield
    finally:
        operators.get_call_type = find


def linked(library: Any, entry: str, machine: Any) -> Any:
    """Return the optimised LLVM module of a function (``entry``: its symbol) with all that it calls, for a target machine."""
    if not isinstance(library, Library):  # numba has done it
        return library._final_module
    whole = llvm.parse_assembly("")
    whole.triple = machine.triple
    whole.data_layout = str(machine.target_data)
    mine, others = _called(library)
    for one in mine:
        for text in one.texts:
            whole.link_in(llvm.parse_assembly(text))
    for one in others:  # numba's own, such as `min`; one for counting references comes unasked
        if not _missing(whole).isdisjoint(function.name for function in one.get_defined_functions()):
            whole.link_in(one._get_module_for_linking(), preserve=True)
    if missing := _missing(whole):
        raise RuntimeError(f"nobody defines {', '.join(missing)}")
    for function in whole.functions:
        if not function.is_declaration and function.name != entry:
            function.linkage = "internal"  # then one that has a single caller becomes part of it
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = tuning.slp_vectorization = False  # headers are no vectors
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(whole, builder)
    return whole


def _called(library: Any) -> tuple[list[Any], list[Any]]:
    """Return a library and all that it needs, each once: our own, and others."""
    mine, others = [library], dict[Any, None]()
    for one in mine:
        for called in dict.fromkeys(one.called):
            if not isinstance(called, Library):
                others[called] = None
            elif called not in mine:
                mine.append(called)
    return mine, list(others)


def _missing(module: Any) -> set[str]:
    return {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
