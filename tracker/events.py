"""Every kind of event, by room: the one list that webhooks, live pages and documents are made from."""

from __future__ import annotations

from tracker.access import events as access
from tracker.adverse import events as adverse
from tracker.catalog import events as catalog
from tracker.coldchain import events as coldchain
from tracker.delivery import events as delivery
from tracker.feed import events as feed
from tracker.feed.contract import Event
from tracker.feed.kinds import Kinds
from tracker.handsets import events as handsets
from tracker.hotline import events as hotline
from tracker.network import events as network
from tracker.passport import events as passport
from tracker.pcare import events as pcare
from tracker.people import events as people
from tracker.quota import events as quota
from tracker.shipments import events as shipments
from tracker.stock import events as stock
from tracker.telemetry import events as telemetry
from tracker.trace import events as trace

EVENTS: tuple[type[Event], ...] = (
    access.AccountLocked,
    access.AccountUnlocked,
    access.LoginsEnded,
    access.PasswordChanged,
    access.KeyMade,
    access.KeyRotated,
    access.KeyRevoked,
    adverse.AdverseTold,
    adverse.AdverseCorrected,
    adverse.AdverseAnswered,
    catalog.VaccineAdded,
    catalog.StorageClassAdded,
    catalog.PresentationAdded,
    catalog.PresentationChanged,
    catalog.BatchAdded,
    catalog.BatchChanged,
    coldchain.AdvisoryRaised,
    coldchain.AlarmRaised,
    coldchain.EpisodeChanged,
    coldchain.AlarmAcknowledged,
    coldchain.AlarmEscalated,
    coldchain.AlarmEnded,
    coldchain.AlarmSettled,
    coldchain.SensorSilent,
    delivery.MessageSent,
    delivery.MessageFailed,
    handsets.HandsetEnrolled,
    handsets.HandsetCutOff,
    handsets.StepInConflict,
    handsets.StepSettled,
    hotline.CallBegun,
    hotline.CallEnded,
    network.FacilityAdded,
    network.EquipmentAdded,
    network.EquipmentChanged,
    network.AreasImported,
    network.ServiceAreasChanged,
    passport.StockHeld,
    passport.HoldReleased,
    passport.HoldDiscarded,
    pcare.RecordRefused,
    pcare.RecordLost,
    pcare.FileMade,
    people.IdentityChanged,
    quota.SessionPlanned,
    quota.SessionClosed,
    quota.SessionChanged,
    quota.SessionCancelled,
    quota.QuotaChanged,
    quota.StillShort,
    quota.BookingMade,
    quota.BookingMoved,
    quota.BookingDisplaced,
    quota.PlaceOffered,
    quota.DoseGiven,
    quota.DoseTakenBack,
    feed.EventSetAside,
    shipments.ShipmentCreated,
    shipments.ShipmentApproved,
    shipments.ApprovalTakenBack,
    shipments.ShipmentCancelled,
    shipments.ShipmentPacked,
    shipments.ShipmentUnpacked,
    shipments.ShipmentDispatched,
    shipments.ShipmentTold,
    shipments.ShipmentDisputed,
    shipments.ShipmentReceived,
    shipments.ShipmentReturned,
    shipments.ReceiptTakenBack,
    shipments.ShipmentDiffered,
    stock.StockMoved,
    stock.StockShort,
    stock.StockAvailable,
    stock.OpenDosesFell,
    telemetry.DeviceAdded,
    telemetry.DeviceCredentialsRenewed,
    telemetry.DeviceCredentialsRevoked,
    telemetry.DeviceMoved,
    telemetry.DeviceRetired,
    telemetry.DeviceReinstated,
    telemetry.WatchCorrected,
    telemetry.DeviceStatusChanged,
    telemetry.ChannelAssigned,
    trace.RecallGoesOn,
    trace.RecallStarted,
    trace.RecallWithdrawn,
    trace.VialsGivenBack,
    trace.BatchRecalled,
)

KINDS = Kinds(EVENTS)
