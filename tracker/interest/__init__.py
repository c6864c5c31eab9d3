"""Registration without a slot: who is willing is kept, and told in order when places open where they live."""
