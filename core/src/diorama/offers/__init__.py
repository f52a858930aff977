"""One model, several offers: grouped by family, chosen by a policy, replaced when one is down."""

from diorama.offers.choice import POLICIES, Offers
from diorama.offers.families import Family, Offer, group
from diorama.offers.quotes import Quotes

__all__ = ["POLICIES", "Family", "Offer", "Offers", "Quotes", "group"]
