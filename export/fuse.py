"""Attention over whole rows: one operator of ONNX Runtime's own in place of five nodes.

torch's exporter writes Reshape, Transpose, Attention, Transpose, Reshape. `MultiHeadAttention` of
the CPU takes and gives (batch, positions, heads * 64) and works in tiles (Dao et al. 2022), while
`Attention` writes out the scores of all heads: 72 MB over a full window of base.
"""

import onnx
from onnx import helper

MICROSOFT = "com.microsoft"
_SWAP_HEADS = [0, 2, 1, 3]


def tiled_attention(model: onnx.ModelProto, heads: int) -> None:
    """Exchange every Attention whose queries were split from rows, in place.

    Keys and values may be rows too, or heads (1, heads, positions, 64) that came so.
    """
    made = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def rows(name: str) -> str:
        """Return the rows that were reshaped and transposed into heads, "" if they were not."""
        swap = made.get(name)
        if swap is None or not _swaps_heads(swap):
            return ""
        split = made.get(swap.input[0])
        return split.input[0] if split is not None and split.op_type == "Reshape" else ""

    for node in model.graph.node:
        if node.op_type != "Attention":
            continue
        q, k, v, *mask = node.input
        [swap] = readers[node.output[0]]
        [merge] = readers.get(swap.output[0], [None])
        if not rows(q) or not _swaps_heads(swap) or merge is None or merge.op_type != "Reshape":
            continue
        sources = [rows(q), rows(k) or k, rows(v) or v]
        if mask:
            sources += ["", "", *mask]  # neither bias nor padding
        node.CopyFrom(
            helper.make_node(
                "MultiHeadAttention",
                sources,
                [merge.output[0]],
                node.name,
                domain=MICROSOFT,
                num_heads=heads,
            )
        )
        merge.output[0] += ".unused"
    import_domain(model, MICROSOFT)
    drop_unused(model)


def _swaps_heads(node: onnx.NodeProto) -> bool:
    return node.op_type == "Transpose" and list(node.attribute[0].ints) == _SWAP_HEADS


def drop_unused(model: onnx.ModelProto) -> None:
    """Drop the nodes and then the initializers whose results nothing reads, in place."""
    wanted = {value.name for value in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in wanted]
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)


def import_domain(model: onnx.ModelProto, domain: str) -> None:
    """Declare the operators of a domain, in place."""
    if all(opset.domain != domain for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(domain, 1))
