"""The private names of aioquic 1.7.2 that this package reads, sets or overrides, by the class they belong to.

They may change in any release, which is why the version is pinned exactly; a test asserts that each exists, that
the ones we lean on behave, and that no name is used that is not listed here.
"""

from __future__ import annotations

PRIVATE_NAMES: dict[str, frozenset[str]] = {
    "QuicConnection": frozenset(
        {
            "_ack_delay",
            "_ack_eliciting_sent_since_receipt",
            "_add_network_path",
            "_close_at",
            "_close_end",
            "_close_event",
            "_close_pending",
            "_crypto_streams",
            "_cryptos",
            "_datagrams_pending",
            "_events",
            "_get_or_create_stream_for_send",
            "_handshake_complete",
            "_handshake_confirmed",
            "_handshake_done_pending",
            "_host_cids",
            "_idle_timeout",
            "_initialize",
            "_is_client",
            "_local_ack_delay_exponent",
            "_local_initial_source_connection_id",
            "_local_max_data",
            "_local_max_streams_bidi",
            "_local_max_streams_uni",
            "_loss",
            "_loss_at",
            "_max_datagram_size",
            "_network_paths",
            "_on_ack_delivery",
            "_original_destination_connection_id",
            "_pacing_at",
            "_packet_number",
            "_payload_received",
            "_parse_transport_parameters",
            "_peer_cid",
            "_peer_cid_available",
            "_ping_pending",
            "_probe_pending",
            "_quic_logger",
            "_remote_ack_delay_exponent",
            "_remote_max_data",
            "_remote_max_data_used",
            "_remote_max_datagram_frame_size",
            "_remote_preferred_address",
            "_replenish_connection_ids",
            "_retire_connection_ids",
            "_spaces",
            "_spin_bit",
            "_spin_highest_pn",
            "_state",
            "_stream_is_discarded",
            "_streams",
            "_streams_blocked_pending",
            "_streams_queue",
            "_write_ack_frame",
            "_write_application",
            "_write_connection_limits",
            "_write_datagram_frame",
            "_write_stream_limits",
        }
    ),
    "QuicPacketRecovery": frozenset(
        {
            "_cc",
            "_pacer",
            "_pto_count",
            "_rtt_initialized",
            "_rtt_latest",
            "_rtt_min",
            "_rtt_smoothed",
            "_time_of_last_sent_ack_eliciting_packet",
        }
    ),
    "QuicPacketBuilder": frozenset({"_datagram_init"}),
    "CryptoPair": frozenset({"_update_key_requested"}),
    "AEAD": frozenset({"_aead", "_iv"}),
    "HeaderProtection": frozenset({"_mask"}),
    "QuicPacketNumberWindow": frozenset({"_size"}),
    "QuicStreamSender": frozenset(
        {"_buffer_fin", "_buffer_start", "_buffer_stop", "_pending", "_pending_eof", "_reset_error_code"}
    ),
    "QuicStreamReceiver": frozenset({"_buffer", "_buffer_start", "_final_size"}),
    "Context": frozenset({"_peer_certificate", "_peer_certificate_chain"}),
    "H3Connection": frozenset(
        {
            "_blocked_streams",
            "_decoder",
            "_get_local_settings",
            "_init_connection",
            "_max_table_capacity",
            "_stream",
        }
    ),
}
