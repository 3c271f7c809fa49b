"""EditModelDefaults: told from the MODEL or chosen, and every part may be overridden."""

from types import SimpleNamespace

import pytest
import torch

from ..conftest import of_host, of_newer_host
from ..newer_models import KLEIN, skip_where_lacking
from ..reference_models import FLUX2, completed

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def node():
    from elect_tino.nodes.edit_models.defaults import EditModelDefaults

    def run(model, family="auto", steps=0, sampler_name="default", scheduler="default", **rest):
        out = EditModelDefaults.execute(model, family, steps, sampler_name, scheduler, **rest)
        names = ("sampler", "sigmas", "cfg", "image_cfg", "guidance", "stop", "window", "family")
        return SimpleNamespace(**dict(zip(names, out.args, strict=True)))

    return run


def configured(kind: str | type, **unet):
    """A stand-in that is a MODEL only by its configuration: all that detection reads."""
    import comfy.model_base

    made = of_newer_host("comfy.supported_models", kind) if isinstance(kind, str) else kind
    config = made({"image_model": "x", **unet})
    flux = comfy.model_base.ModelType.FLUX
    model = SimpleNamespace(model_config=config, model_type=flux)
    sampling = comfy.model_base.model_sampling(config, flux)
    return SimpleNamespace(model=model, get_model_object=lambda name: sampling)


def test_instruct_pix2pix_is_told_from_the_model(node, scene):
    import comfy.samplers

    found = node(scene.model)
    assert found.family == "instruct_pix2pix"
    assert (found.cfg, found.image_cfg, found.stop, found.window) == (7.5, 1.5, 0.3, 0.2)
    assert found.sampler.sampler_function.__name__ == "sample_euler_ancestral"
    sampling = scene.model.get_model_object("model_sampling")
    assert torch.equal(found.sigmas, comfy.samplers.calculate_sigmas(sampling, "normal", 100))


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ("Flux", "flux_kontext"),
        ("Flux2", "flux2"),
        ("QwenImage", "qwen_image_edit"),
        ("Omnigen2", "omnigen2"),
        ("HiDream", "hidream_e1"),
    ],
)
def test_families_of_the_host_are_told_from_the_model(node, config, family):
    latent = {"samples": torch.zeros(1, 128, 52, 78)}
    settings = completed(FLUX2) if config == "Flux2" else {}
    found = node(configured(config, **settings), latent_image=latent)
    assert found.family == family
    assert (found.stop, len(found.sigmas)) == (0.4, 21)


def test_ultraedit_is_told_apart_from_sd3(node):
    from elect_tino.nodes.host.edit_models.ultraedit import UltraEditConfig

    assert node(configured(UltraEditConfig)).family == "ultraedit"
    with pytest.raises(ValueError, match="family: the MODEL is a SD3"):
        node(configured("SD3"))


def test_instruct_pix2pix_of_a_diffusers_folder_is_told(node, scene):
    from elect_tino.edit_models.folders import Facts
    from elect_tino.nodes.host.edit_models.unets import InstructPix2PixConfig

    made = InstructPix2PixConfig({"in_channels": 8}, Facts())
    model = SimpleNamespace(model_config=made, model_type=None)
    patcher = SimpleNamespace(model=model, get_model_object=scene.model.get_model_object)
    assert node(patcher).family == "instruct_pix2pix"


def test_embedded_model_is_told_apart_from_instruct_pix2pix(node):
    from elect_tino.embedded.model.comfyui import load_embedded

    assert node(load_embedded()[0]).family == "embedded"
    assert node(load_embedded(variant="flow")[0]).family == "embedded_flow"


def test_what_is_chosen_by_hand_wins(node, scene):
    found = node(scene.model, "instruct_diffusion", 12, "dpmpp_2m", "karras")
    assert (found.cfg, found.image_cfg, found.family) == (5.0, 1.25, "instruct_diffusion")
    assert len(found.sigmas) == 13
    assert found.sampler.sampler_function.__name__ == "sample_dpmpp_2m"


def test_flux2_has_the_schedule_of_its_own_node(node):
    scheduler = of_newer_host("comfy_extras.nodes_flux", "Flux2Scheduler")
    latent = {"samples": torch.zeros(1, 128, 52, 78)}
    found = node(configured("Flux2", **completed(FLUX2)), latent_image=latent)
    assert torch.equal(found.sigmas, of_host(scheduler, 20, 1248, 832)[0])


def test_flux2_without_a_latent_names_the_input(node):
    with pytest.raises(ValueError, match="latent_image: FLUX.2's schedule depends on the size"):
        node(configured("Flux2", **completed(FLUX2)))


def test_models_of_which_a_file_says_too_little_are_chosen_by_hand(node):
    klein = configured("Flux2", **completed(KLEIN))
    with pytest.raises(ValueError, match="flux2_klein or flux2_klein_base or flux2_klein_kv"):
        node(klein)
    latent = {"samples": torch.zeros(1, 128, 52, 78)}
    found = node(klein, "flux2_klein", latent_image=latent)
    assert (len(found.sigmas), found.cfg, found.stop, found.window) == (5, 1.0, 0.5, 0.25)
    found = node(klein, "flux2_klein", steps=8, latent_image=latent)
    assert (found.stop, found.window) == (0.25, 0.125)  # two steps and one, as before


def test_the_second_qwen_is_told_by_how_it_takes_pictures(node):
    found = node(configured("QwenImage", default_ref_method="index_timestep_zero"))
    assert (found.family, len(found.sigmas), found.cfg) == ("qwen_image_edit_2511", 41, 4.0)


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ("LongCatImage", "longcat_image_edit"),
        ("JoyImage", "joyai_image_edit"),
        ("Boogu", "boogu_image_edit"),
        ("QwenImage21", "qwen_image_21"),
    ],
)
def test_models_of_newer_hosts_are_told_there(node, config, family):
    skip_where_lacking({"config": config})
    assert node(configured(config)).family == family


def test_qwen_image_21_is_told_by_its_class_and_wants_its_templates_settings(node):
    """A configuration of that name stands in where the ComfyUI has none."""
    import comfy.supported_models as models

    kind = getattr(models, "QwenImage21", type("QwenImage21", (models.QwenImage,), {}))
    found = node(configured(kind))
    assert (found.family, len(found.sigmas), found.cfg) == ("qwen_image_21", 26, 1.0)
    assert (found.stop, found.window) == (0.4, 0.2)


def test_model_that_is_no_editing_model_is_refused(node):
    with pytest.raises(ValueError, match="family: the MODEL is a GenmoMochi"):
        node(configured("GenmoMochi"))
