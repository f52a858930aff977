"""What work costs: estimated before, capped at admission, recorded after."""

from diorama.spending.batch import BatchEstimate, combine
from diorama.spending.costs import CostLine, Costs
from diorama.spending.estimate import Estimate, Estimator
from diorama.spending.purse import Purse

__all__ = ["BatchEstimate", "CostLine", "Costs", "Estimate", "Estimator", "Purse", "combine"]
