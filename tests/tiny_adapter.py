"""LoRA adapters as PEFT saves them, which is not needed to make one."""

import json

import torch
from safetensors.torch import save_file

RANK, ALPHA = 4, 10


def save_adapter(folder, model, *, rslora=False, **config):
    """Save seeded adapters of all linear layers, and add them to a model of transformers."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(5)
    scale = ALPHA / (RANK**0.5 if rslora else RANK)
    tensors = {}
    for name, layer in model.named_modules():
        if not isinstance(layer, torch.nn.Linear) or name == "lm_head":
            continue
        outputs, inputs = layer.weight.shape
        down = torch.randn(RANK, inputs, generator=generator) / inputs**0.5
        up = torch.randn(outputs, RANK, generator=generator) * layer.weight.std() * 2
        tensors[f"base_model.model.{name}.lora_A.weight"] = down
        tensors[f"base_model.model.{name}.lora_B.weight"] = up
        with torch.no_grad():
            layer.weight += scale * up @ down
    save_file(tensors, folder / "adapter_model.safetensors")
    keys = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "use_rslora": rslora}
    keys |= {"bias": "none", "fan_in_fan_out": False, "modules_to_save": None, "rank_pattern": {}}
    (folder / "adapter_config.json").write_text(json.dumps(keys | config), "utf-8")
