"""What each operator computes, as tensor expressions or loop nests."""
