"""What is measured: the outputs of a trained model, and the metrics on them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, Protocol

from torch import Tensor

from vaegan_bench.api.data import Data, Progress
from vaegan_bench.api.extractors import Extractor, FeatureNetwork, Features
from vaegan_bench.api.modules import Posterior
from vaegan_bench.api.plugin import Plugin
from vaegan_bench.system.exhibits import Exhibits

Direction = Literal["higher", "lower", "none"]
Source = Literal["real", "samples", "reconstructions", "train"]
Derive = Callable[..., Mapping[str, Tensor]]
"""(features of real images, keyword parameters) → named tensors that a metric computes from them."""


class Tokens(NamedTuple):
    """Codes from a finite set, as indices of its members."""

    index_NP: Tensor
    """(N, P) int64 in [0, K), one for each place."""
    entries: int
    """K, the size of the set."""


class Outputs(Protocol):
    """The outputs of one trained model, each computed at most once and shared by all metrics.

    All images are uint8 (N, C, H, W), as a viewer sees them. What a model does not have is None:
    a GAN has no encoder, hence no reconstructions and no posterior means.
    """

    data: Data

    @property
    def progress(self) -> Progress:
        """Receives reports on the progress of long computations."""

    @property
    def conditional(self) -> bool:
        """Whether the model decodes codes together with attributes."""

    @property
    def real(self) -> Tensor:
        """The held-out real images."""

    @property
    def train(self) -> Tensor:
        """The first M = min(10,000, all) training images; none where the data have no training part."""

    @property
    def samples(self) -> Tensor:
        """Images decoded from codes of the prior, or of the study's sampler."""

    @property
    def reconstructions(self) -> Tensor | None:
        """The held-out images, encoded to the posterior mean and decoded."""

    @property
    def posterior(self) -> Posterior | None:
        """q(z|x) of the held-out images, on the CPU; (N, Z) each."""

    @property
    def means(self) -> Tensor | None:
        """(N, Z) posterior means of the held-out images."""

    @property
    def tokens(self) -> Tokens | None:
        """The member of the finite set at each place of the held-out images' codes; None for a model without a set."""

    @property
    def train_posterior(self) -> Posterior | None:
        """q(z|x) of `train`, on the CPU; (M, Z) each."""

    @property
    def train_means(self) -> Tensor | None:
        """(M, Z) posterior means of `train`."""

    def codes(self, n: int) -> Tensor:
        """(n, Z) codes from the prior, or from the study's sampler, independent of those of `samples`.

        Those from the prior are equal for all models of one seed.
        """

    @property
    def code_protocol(self) -> Mapping[str, str]:
        """Belongs to the protocol of each number that depends on `codes`: {} for the prior, or {'sampler': selector}.

        The harness adds it to the numbers of metrics that declare `uses_samples`.
        """

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        """Decode any codes; a conditional model takes the held-out images' attributes in turn where none are given."""

    def log_likelihood(self, x_NCHW: Tensor, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor | None:
        """log p(x|z) in nats, the density of images in [-1, 1], each given its code; (N,) float64 on the CPU.

        A conditional model must be given attributes. None for a model without a likelihood of pixels.
        """

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The opened extractor, shared by all runs."""

    def features(self, extractor: Extractor, source: Source) -> Features:
        """Features of one set of images; those of `real` and `train` are shared by all runs and kept on disk.

        Raises `BenchError` for 'reconstructions' of a model without an encoder.
        """

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """`derive(features of real, **parameters)`, shared by all runs of all studies and kept on disk.

        It is kept under a hash of the images, the extractor and its weights, the parameters and the code of `derive`,
        which must be a module-level function: a method, a local function or a lambda may use values that are not in
        this hash, and is refused.
        """


@dataclass(frozen=True)
class Measurement:
    """One number with what it means."""

    metric: str
    """The column's name; if it depends on an extractor, it contains the extractor: 'frechet[efflite0]'."""
    value: float
    direction: Direction
    units: str
    protocol: Mapping[str, str | int | float] = field(default_factory=dict)
    """What must be equal for two values to be compared: n_real, n_fake, extractor, weights, resize, dtype, …"""
    attribute: str = ""
    """The attribute that the number is about; '' if it is about all of them or about none."""
    low: float | None = None
    """The lower end of a 95 % interval over the images that were measured; it does not include training noise."""
    high: float | None = None
    """The upper end."""
    ceiling: float | None = None
    """The value for real images, or the best value possible."""
    floor: float | None = None
    """The value by chance."""


class Metric(Plugin):
    """Numbers from outputs."""

    kind: ClassVar[str] = "metric"
    family: ClassVar[str]
    """'sample quality', 'reconstruction', 'attributes' or 'latent': how reports group what it measures."""
    uses_samples: ClassVar[bool] = False
    """Whether its numbers depend on samples or their features: then it is called once for each independent set."""
    needs_model: ClassVar[bool] = False
    """Whether it needs more than real images and samples, and so cannot be measured on folders of images."""
    pairs_suffice: ClassVar[bool] = False
    """Whether it needs only held-out images and their reconstructions: then it can be measured on paired folders."""
    extractor_field: ClassVar[str] = ""
    """The field that the option `--extractor` replaces; '' where there is none."""
    needs_classes: ClassVar[bool] = False
    """Whether the extractor in this field must have class logits (`Extractor.classes`)."""
    headline: ClassVar[Mapping[str, str]] = {}
    """Its most important numbers, each with what it measures in the words of a reader.

    Keys are names of measurements without the extractor in brackets: {'psnr': 'pixels of reconstructions'}.

    A study prints and shows the headlines of its metrics first, or all numbers where none is declared.
    """
    known_as: ClassVar[Mapping[str, str]] = {}
    """Name of a number in the literature → the selector that measures it: 'fid' → 'frechet[extractor=inception]'."""

    @abstractmethod
    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; an empty list where the model has no such outputs (a GAN has no reconstructions).

        With `uses_samples` it is called once for each independent set of samples, and its rows hold the mean.
        """

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """Data for figures, from the first set of samples; called after measuring.

        Each exhibit becomes the figure of its name, which shows all models of a study: see `Spectrum`, `Profile`,
        `Matrix`, `LatentVectors`, `Strips`, `ImagePairs` and `ImageSheet`.
        """
        return {}
