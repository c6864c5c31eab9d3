"""The seeded world of `rantai demo`: real places, true storage classes, made-up stock and people.

Names that stay, for the simulators, the story and the tests of the whole:

- places   `biofarma`, `dinkes-banten`, `dinkes-kota-tangerang`, `pkm-cipondoh` … (data/facilities.csv)
- fridges  `{facility}-k1`, `-k2`; freezers `-f1`; cold rooms `-r1`; cold boxes `-b1`; trucks `-t1`
- sensors  `sensor-{equipment}`; gateways `gw-{facility}`
- the story: fridge `pkm-cipondoh-k1`, sensor `sensor-pkm-cipondoh-k1` (scenario `late_heat`), whose last
  twelve hours arrive at once when it comes back; sessions of the coming days there lose their vaccine,
  `pkm-ketapang` and other neighbours have the same one and room
"""
