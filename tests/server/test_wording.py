"""How products read on a page."""

from __future__ import annotations

from shopsearch.domain import Product
from shopsearch.server.wording import description_text, details


def test_a_description_keeps_the_lines_of_its_lists_unless_it_is_html() -> None:
    lines = Product(product_id="p", description="Warm & dry.\n• Hood.\n\n•  Pockets.")
    assert description_text(lines) == "Warm & dry.\n• Hood.\n• Pockets."
    page = Product(product_id="p", description="<p>Warm</p>\n<script>\nalert(1)\n</script>")
    assert description_text(page) == "Warm"
    escaped = Product(product_id="p", description="&lt;script&gt;\nalert(1)\n&lt;/script&gt;Warm")
    assert description_text(escaped) == "Warm"


def test_details_list_several_values_and_leave_the_price_of_a_sale_out(app) -> None:
    product = Product(
        product_id="p",
        material="Wool|Rayon",
        attributes={"climate": "cool | windy", "sale_price": "5 USD"},
    )
    with app.test_request_context():
        assert details(product) == (("Material", "Wool, Rayon"), ("Climate", "cool, windy"))
