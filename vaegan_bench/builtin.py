"""The built-in contestants, registered by the same hook as everybody else's."""

from __future__ import annotations

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench.datasets.avatars import Avatars
from vaegan_bench.datasets.celeba import CelebA
from vaegan_bench.datasets.cifar10 import CIFAR10
from vaegan_bench.datasets.fashion_mnist import FashionMNIST
from vaegan_bench.datasets.folder import Folder
from vaegan_bench.datasets.lfw import LFW
from vaegan_bench.datasets.mnist import MNIST
from vaegan_bench.datasets.mnist5k import MNIST5k
from vaegan_bench.datasets.stl10 import STL10
from vaegan_bench.datasets.svhn import SVHN
from vaegan_bench.extractors.clip import ENCODERS
from vaegan_bench.extractors.dinov2 import BACKBONES
from vaegan_bench.extractors.efflite0 import EffLite0
from vaegan_bench.extractors.inception import Inception
from vaegan_bench.extractors.oracle import Oracle
from vaegan_bench.extractors.regressor import Regressor
from vaegan_bench.extractors.vgg16 import VGG16
from vaegan_bench.gates.margin import Margin
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.losses.adversarial.lsgan import LSGAN
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.adversarial.wgan import Wasserstein
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.bernoulli import Bernoulli
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_optimal import GaussianOptimal
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.metrics.attribute_retention import AttributeRetention
from vaegan_bench.metrics.attribute_similarity import AttributeSimilarity
from vaegan_bench.metrics.attribute_vectors import AttributeVectors
from vaegan_bench.metrics.feature_distance import FeatureDistance
from vaegan_bench.metrics.frechet import Frechet
from vaegan_bench.metrics.inception_score import InceptionScore
from vaegan_bench.metrics.kid import KID
from vaegan_bench.metrics.latent_health import LatentHealth
from vaegan_bench.metrics.linear_probe import LinearProbe
from vaegan_bench.metrics.memorisation import Memorisation
from vaegan_bench.metrics.precision_recall import PrecisionRecall
from vaegan_bench.metrics.reconstruction import Reconstruction
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.optimizers.adam import Adam
from vaegan_bench.optimizers.rmsprop import RMSProp
from vaegan_bench.schedules.constant import Constant
from vaegan_bench.schedules.cosine import Cosine
from vaegan_bench.schedules.cyclic import Cyclic
from vaegan_bench.schedules.linear import Linear
from vaegan_bench.schedules.power import Power
from vaegan_bench.schedules.stepwise import Stepwise


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Everything that comes with the package, in the order in which lists show it."""
    models: list[type[Plugin]] = [VAE, GAN, VAEGAN, VAEGANPixel, VAEDisl]
    gaussians: list[type[Plugin]] = [Gaussian, GaussianLearned, GaussianOptimal, GaussianPredicted]
    reconstruction: list[type[Plugin]] = [*gaussians, Bernoulli, Laplace]
    adversarial: list[type[Plugin]] = [Minimax, NonSaturating, Hinge, LSGAN, Wasserstein]
    other_losses: list[type[Plugin]] = [KL, GradientPenalty, R1, Margin]
    schedules: list[type[Plugin]] = [Constant, Linear, Cyclic, Stepwise, Power, Cosine]
    harness: list[type[Plugin]] = [Larsen, Compact, Adam, RMSProp, *schedules]
    faces: list[type[Plugin]] = [Avatars, CelebA, LFW, Folder]
    data: list[type[Plugin]] = [*faces, MNIST, FashionMNIST, CIFAR10, STL10, SVHN, MNIST5k]
    sample_quality: list[type[Plugin]] = [Frechet, InceptionScore, KID, PrecisionRecall, Memorisation]
    extractors: list[type[Plugin]] = [EffLite0, Inception, Oracle, Regressor, *BACKBONES, *ENCODERS, VGG16]
    reconstructed: list[type[Plugin]] = [Reconstruction, FeatureDistance]
    attributes: list[type[Plugin]] = [AttributeRetention, AttributeVectors, AttributeSimilarity, LinearProbe]
    measuring: list[type[Plugin]] = [*sample_quality, *extractors, *reconstructed, *attributes, LatentHealth]
    return models + reconstruction + adversarial + other_losses + harness + data + measuring
