"""The cases: RFC 8867's wired tests, desktop conditions, and traces.

The numbers of the RFC are kept but for the largest bitrate, 3 Mbit/s in place of 1.5, at which half of the flows would
be limited by the encoder and nothing would be learned. What the RFC leaves open (bounds of the windows in which
fairness is taken) is chosen so that every flow has had ten seconds to settle.
"""

from __future__ import annotations

from dataclasses import replace

from interop.bench.rate.spec import Case, FlowSpec, Jitter, LinkSpec, Queue, SourceProfile, Steps, TcpSpec


def queue(seconds: float, rate: float) -> int:
    """Bytes of a queue that takes `seconds` to empty at `rate` bit/s."""
    return int(seconds * rate / 8)


# ------------------------------------------------------------------------------------------------------------ RFC 8867

MEDIA = FlowSpec(delay=0.050, rmin=0.15e6, rstart=0.15e6, rmax=3e6)


def wired(steps: Steps, seconds: float = 0.300) -> LinkSpec:
    """A link of RFC 8867, whose queue is meant in seconds at the first capacity."""
    return LinkSpec(capacity=steps, limit=queue(seconds, steps[0][1]))


def scaled(steps: Steps, factor: float) -> Steps:
    """The same schedule at another scale."""
    return tuple((when, rate * factor) for when, rate in steps)


VARIABLE = ((0.0, 1.0e6), (40.0, 2.5e6), (60.0, 0.6e6), (80.0, 1.0e6))

RFC8867 = (
    Case(name="R5.1", group="R5", duration=100, forward=wired(VARIABLE), flows=(MEDIA,), drops=(60,), rises=(40, 80)),
    Case(
        name="R5.1x10",
        group="R5",
        duration=100,
        forward=wired(scaled(VARIABLE, 10)),
        flows=(replace(MEDIA, rmin=0.3e6, rstart=1.5e6, rmax=30e6),),
        drops=(60,),
        rises=(40, 80),
    ),
    Case(
        name="R5.2",
        group="R5",
        duration=125,
        forward=wired(((0.0, 4.0e6), (25.0, 2.0e6), (50.0, 3.5e6), (75.0, 1.0e6), (100.0, 2.0e6))),
        flows=(MEDIA, MEDIA),
        drops=(25, 75),
        rises=(50, 100),
    ),
    Case(
        name="R5.3",
        group="R5",
        duration=100,
        forward=wired(((0.0, 2.0e6), (20.0, 1.0e6), (40.0, 0.5e6), (60.0, 2.0e6))),
        flows=(MEDIA, replace(MEDIA, reverse=True)),
        backward=wired(((0.0, 2.0e6), (35.0, 0.8e6), (70.0, 2.0e6))),
        drops=(20, 40),
        rises=(60,),
    ),
    Case(
        name="R5.4",
        group="R5",
        duration=120,
        forward=wired(((0.0, 3.5e6),)),
        flows=tuple(replace(MEDIA, start=start) for start in (0.0, 20.0, 40.0)),
        fair=(50, 120),
    ),
    Case(
        name="R5.5",
        group="R5",
        duration=300,
        forward=wired(((0.0, 4.0e6),)),
        flows=tuple(
            replace(MEDIA, start=10.0 * place, delay=delay)
            for place, delay in enumerate((0.010, 0.025, 0.050, 0.100, 0.150))
        ),
        fair=(50, 300),
    ),
    *(
        Case(
            name=name,
            group="R5",
            duration=120,
            forward=wired(((0.0, 2.0e6),), seconds),
            flows=(replace(MEDIA, start=5.0),),
            tcp=(TcpSpec(start=0.0, stop=119.0, delay=0.050, segment=1000),),
            share=(15, 119),
        )
        for name, seconds in (("R5.6", 0.3), ("R5.6-1s", 1.0))
    ),
    Case(
        name="R5.7",
        group="R5",
        duration=300,
        forward=wired(((0.0, 2.0e6),)),
        flows=(MEDIA, MEDIA),
        tcp=tuple(TcpSpec(start=0.0, stop=290.0, delay=0.050, segment=1000, short=(30_000, 50_000)) for _ in range(10)),
        fair=(10, 300),
    ),
    Case(
        name="R5.8",
        group="R5",
        duration=120,
        forward=wired(((0.0, 3.5e6),)),
        flows=(replace(MEDIA, pauses=((40.0, 60.0),)), MEDIA, MEDIA),
        fair=(63, 120),
    ),
)

# ------------------------------------------------------------------------------------------------------------- desktop

DESK = FlowSpec(delay=0.020, rmin=0.3e6, rstart=2e6, rmax=30e6)
SCENES = SourceProfile(scene_every=2.0)


def path(steps: Steps, seconds: float = 0.200) -> LinkSpec:
    """A link whose drop-tail queue is so many seconds at its first capacity."""
    return LinkSpec(capacity=steps, limit=queue(seconds, steps[0][1]))


TEN = path(((0.0, 10e6),))
#: A thin uplink of somebody with a good downlink, with a queue of a second.
UPLINK = path(((0.0, 256e3),), 1.0)
DROP = path(((0.0, 20e6), (20.0, 4e6), (40.0, 20e6)), 0.500)
D2 = Case(name="D2-drop", group="D", duration=60, forward=DROP, flows=(DESK,), drops=(20,), rises=(40,))
CONTEST = path(((0.0, 20e6),), 0.100)
D7 = Case(
    name="D7-cubic",
    group="D",
    duration=90,
    forward=CONTEST,
    flows=(DESK,),
    tcp=(TcpSpec(start=15.0, stop=90.0),),
    share=(30, 90),
)

DESKTOP = (
    Case(
        name="D1-desk",
        group="D",
        duration=60,
        forward=path(((0.0, 20e6),), 0.100),
        flows=(replace(DESK, profile=replace(SCENES, idle=((12.0, 18.0), (30.0, 36.0)))),),
    ),
    D2,
    Case(name="D3-shallow", group="D", duration=40, forward=path(((0.0, 10e6),), 0.020), flows=(DESK,)),
    Case(name="D4-rnd2%", group="D", duration=40, forward=replace(TEN, loss=0.02), flows=(DESK,)),
    Case(name="D4-ge3%", group="D", duration=40, forward=replace(TEN, burst=(0.006, 0.2)), flows=(DESK,)),
    Case(
        name="D5-jit15",
        group="D",
        duration=40,
        forward=replace(path(((0.0, 15e6),)), jitter=Jitter(0.015, 0.005, 0.030)),
        flows=(DESK,),
    ),
    Case(
        name="D6-outage",
        group="D",
        duration=60,
        forward=path(((0.0, 15e6), (20.0, 0.0), (21.2, 15e6), (40.0, 0.75e6), (43.0, 15e6))),
        flows=(DESK,),
        drops=(20, 40),
        rises=(21.2, 43),
        outages=(21.2, 43),
    ),
    D7,
    replace(D7, name="D7-cub-codel", forward=replace(CONTEST, queue=Queue.CODEL, limit=queue(1.0, 20e6))),
    Case(
        name="D8-idledrop",
        group="D",
        duration=40,
        forward=path(((0.0, 20e6), (12.0, 8e6)), 0.200),
        flows=(replace(DESK, profile=replace(SCENES, idle=((6.0, 20.0),))),),
    ),
    Case(
        name="D9-4own",
        group="D",
        duration=60,
        forward=path(((0.0, 40e6),)),
        flows=tuple(replace(DESK, start=start) for start in (0.0, 5.0, 10.0, 15.0)),
        fair=(25, 60),
    ),
    Case(
        name="D10-lan",
        group="D",
        duration=30,
        forward=path(((0.0, 100e6),), 0.020),
        flows=(replace(DESK, delay=0.002, rmax=60e6, profile=SCENES),),
    ),
    Case(
        name="D11-fbloss",
        group="D",
        duration=60,
        forward=path(((0.0, 10e6), (20.0, 5e6), (40.0, 10e6))),
        flows=(DESK,),
        backward=LinkSpec(loss=0.10),
        drops=(20,),
        rises=(40,),
    ),
    replace(D2, name="D12-l4s", forward=replace(DROP, queue=Queue.MARK, threshold=0.005)),
    replace(D2, name="D13-js", flows=(replace(DESK, stalls=True),)),
)

# -------------------------------------------------------------------------------------------------------------- traces


def traced(
    name: str, trace: str, group: str, limit: int = 450_000, flow: FlowSpec = DESK, count: int = 1, rmax: float = 30e6
) -> Case:
    """A minute of a generated trace."""
    flows = (replace(flow, rmax=rmax),) * count
    return Case(
        name=name,
        group=group,
        duration=60,
        forward=LinkSpec(trace=trace, limit=limit),
        flows=flows,
        fair=(10, 60) if count > 1 else None,
    )


TRACED = (
    *(traced(f"T-lte-{letter}", f"lte-{letter}", "T") for letter in "abcdefg"),
    *(traced(f"W-wifi-{letter}", f"wifi-{letter}", "W") for letter in "abcd"),
    traced("4G-a", "4g-a", "4G", 600_000),
    traced("4G-b", "4g-b", "4G", 600_000),
    traced("4G-c", "4g-c", "4G", 1_200_000, rmax=60e6),
    traced("W-rest-3own", "wifi-c", "W", count=3),
    traced("5G-a", "5g-a", "5G", 1_200_000, rmax=60e6),
)

# -------------------------------------------------------------------------------------------------------------- smoke

#: Short ones, to see in a minute that nothing is broken. They are no part of the suite.
QUICK = (
    Case(
        name="Q-drop",
        group="Q",
        duration=16,
        forward=path(((0.0, 20e6), (6.0, 4e6), (11.0, 20e6)), 0.500),
        flows=(DESK,),
        drops=(6,),
        rises=(11,),
    ),
    Case(name="Q-loss", group="Q", duration=10, forward=replace(TEN, loss=0.02), flows=(DESK,)),
    Case(
        name="Q-desk",
        group="Q",
        duration=12,
        forward=path(((0.0, 20e6),), 0.100),
        flows=(replace(DESK, profile=replace(SCENES, idle=((4.0, 8.0),))),),
    ),
    Case(
        name="Q-2own",
        group="Q",
        duration=14,
        forward=path(((0.0, 10e6),)),
        flows=(DESK, replace(DESK, start=2.0)),
        fair=(8, 14),
    ),
    Case(
        name="Q-cubic",
        group="Q",
        duration=15,
        forward=path(((0.0, 10e6),), 0.100),
        flows=(DESK,),
        tcp=(TcpSpec(start=3.0, stop=15.0),),
        share=(7, 15),
    ),
    Case(
        name="Q-upload",
        group="Q",
        duration=12,
        forward=TEN,
        flows=(DESK,),
        backward=UPLINK,
        tcp=(TcpSpec(start=3.0, stop=12.0, segment=1460, reverse=True),),
    ),
)

#: The suite, by name.
SUITE: dict[str, Case] = {case.name: case for case in (*RFC8867, *DESKTOP, *TRACED)}
#: What `./dev bench link` does with real programs, 20 s at each rate; the encoder has at most the host's 7.5 Mbit/s.
REAL = FlowSpec(rmin=0.2e6, rstart=4e6, rmax=7.5e6)
LINKS = (
    Case(name="link-steady20", group="L", duration=20, forward=path(((0.0, 20e6),)), flows=(REAL,)),
    Case(name="link-steady5", group="L", duration=20, forward=path(((0.0, 5e6),)), flows=(REAL,)),
    Case(name="link-steady2", group="L", duration=20, forward=path(((0.0, 2e6),)), flows=(REAL,)),
    Case(
        name="link-drop20-2",
        group="L",
        duration=40,
        forward=path(((0.0, 20e6), (20.0, 2e6)), 0.500),
        flows=(REAL,),
        drops=(20,),
    ),
    Case(
        name="link-drop20-4-20",
        group="L",
        duration=60,
        forward=path(((0.0, 20e6), (20.0, 4e6), (40.0, 20e6)), 0.500),
        flows=(REAL,),
        drops=(20,),
        rises=(40,),
    ),
    Case(
        name="link-loss3",
        group="L",
        duration=20,
        forward=replace(TEN, loss=0.03),
        flows=(REAL,),
        backward=LinkSpec(loss=0.03),
    ),
    Case(
        name="link-upload",
        group="L",
        duration=24,
        forward=path(((0.0, 20e6),)),
        flows=(REAL,),
        backward=path(((0.0, 256e3),), 0.300),
        tcp=(TcpSpec(start=4.0, stop=24.0, segment=1460, reverse=True),),
    ),
)
#: Everything that has a name.
CASES: dict[str, Case] = {**SUITE, **{case.name: case for case in (*QUICK, *LINKS)}}
