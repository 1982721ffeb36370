"""The one place that opens an ONNX Runtime session: its provider, its threads, and its end.

A provider that is wanted and missing is an error: ONNX Runtime itself would go on with the CPU and
only whisper of it. TensorRT and CUDA are not yet run on hardware by this project.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge_talker.cache import cache_folder
from edge_talker.engines import Provider, Stop
from edge_talker.errors import EngineError

PROVIDERS: Mapping[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
_SPIN_US = "50"
_LOOK_S = 0.005  # between two looks at `stop` while a graph runs
_ERRORS_ONLY = 3  # of ONNX Runtime's log levels

Value: TypeAlias = ort.OrtValue
Binding: TypeAlias = ort.IOBinding


class Session:
    """An ONNX graph that is ready to run, on one device.

    Raises:
        EngineError: the provider is missing, or the file cannot be loaded.

    """

    def __init__(
        self,
        path: Path,
        *,
        provider: Provider = "cpu",
        threads: int = 2,
        shapes: Mapping[str, str] | None = None,
    ) -> None:
        """Open a file; `shapes` are those that TensorRT builds its engines for."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # A plan of the memory is kept for each shape, beside the others': Whisper's two windows
        # took 30 MB more by it, and no less time.
        options.enable_mem_pattern = False
        # Waking a thread takes as long as many a node of a decoder, so threads wait for the next
        # one awake; but no longer than that, and not at all between two runs: a session that spins
        # while it is idle slows down everybody else.
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.provider = provider
        self.device = "cpu" if provider == "cpu" else "cuda"
        self._require(provider)
        try:
            self.native: Any = ort.InferenceSession(
                path, options, providers=_with_options(provider, shapes or {}, path.parent)
            )
        except Exception as error:
            raise EngineError(
                f"{path} cannot be loaded: {_first_line(error)}",
                "Look whether it is whole: edge-talker models verify; else export it again.",
            ) from error
        if self.native.get_providers()[0] != PROVIDERS[provider]:
            raise EngineError(
                f"ONNX Runtime could not start {PROVIDERS[provider]} and would use the CPU.",
                f'Mend its driver and libraries, or set provider = "cpu". See: {_DOCTOR}',
            )
        self._runner = ThreadPoolExecutor(1, thread_name_prefix="onnx")

    @staticmethod
    def _require(provider: Provider) -> None:
        if PROVIDERS[provider] in ort.get_available_providers():
            return
        raise EngineError(
            f"This ONNX Runtime has no {PROVIDERS[provider]}.",
            "pip uninstall onnxruntime; pip install 'edge_talker[gpu]'; "
            'or set provider = "cpu" in the profile.',
        )

    def value(self, array: NDArray[Any]) -> Value:
        """Return an array on the session's device; on the CPU it is the very memory."""
        return Value.ortvalue_from_numpy(array, self.device)

    def run(
        self, inputs: Mapping[str, Value], outputs: Sequence[str], stop: Stop
    ) -> list[Value] | None:
        """Run the graph and return its outputs, which stay on the device; None once `stop`.

        Asks `stop` every few milliseconds. What was stopped ends behind the caller's back, at the
        next node of the graph; the next run waits for that.

        Raises:
            EngineError: the graph failed.

        """
        binding = self.native.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name in outputs:
            binding.bind_output(name, self.device)
        options = ort.RunOptions()
        running = self._runner.submit(self.native.run_with_iobinding, binding, options)
        if not _finished(running, options, stop):
            return None
        values: list[Value] = binding.get_outputs()
        return values

    def step(self, binding: Binding) -> None:
        """Run a graph that takes a few milliseconds, in this thread.

        Raises:
            EngineError: the graph failed.

        """
        try:
            self.native.run_with_iobinding(binding)
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed: {_first_line(error)}") from error

    def dtype(self, name: str) -> type[np.floating[Any]]:
        """Return the type of an input's numbers."""
        [found] = [i.type for i in self.native.get_inputs() if i.name == name]
        return np.float16 if found == "tensor(float16)" else np.float32

    def close(self) -> None:
        """Wait for what runs, and release threads and weights; safe to call twice."""
        self._runner.shutdown()
        self.native = None


_DOCTOR = "edge-talker doctor"


def _finished(running: "Future[None]", options: ort.RunOptions, stop: Stop) -> bool:
    """Wait for a run; False if it was told to stop."""
    while True:
        try:
            running.result(_LOOK_S)
        except NotYet:
            if stop():
                options.terminate = True
                return False
        except Exception as error:
            raise EngineError(f"ONNX Runtime failed: {_first_line(error)}") from error
        else:
            return True


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _with_options(
    provider: Provider, shapes: Mapping[str, str], folder: Path
) -> list[str | tuple[str, dict[str, Any]]]:
    """Return ONNX Runtime's list of providers with their options."""
    cuda = (PROVIDERS["cuda"], {"cudnn_conv_algo_search": "HEURISTIC"})
    if provider == "cpu":
        return [PROVIDERS["cpu"]]
    if hasattr(ort, "preload_dlls"):
        ort.preload_dlls()
    if provider == "cuda":
        return [cuda, PROVIDERS["cpu"]]
    # No flag for float16: it would switch off the graph's own types.
    tensorrt: dict[str, Any] = {**_cache_options(folder), **shapes}
    return [(PROVIDERS["tensorrt"], tensorrt), cuda, PROVIDERS["cpu"]]


def _cache_options(folder: Path) -> dict[str, Any]:
    """Keep TensorRT's engines from one start to the next."""
    cache = cache_folder("tensorrt", folder.name)
    if cache is None:
        return {}
    return {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(cache),
    }
