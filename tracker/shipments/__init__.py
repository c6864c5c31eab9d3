"""From an order to what really arrived: packing, dispatch, transit, receipt, differences."""
