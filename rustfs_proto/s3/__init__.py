"""The S3 dialect as pure functions: what requests mean and how answers look.

Two representations run through every module: `target.Target` (a parsed request target) and a header mapping
of lower-case names to Latin-1 text (`target.header_map`). Every refusal is an `errors.S3Error`.

A request, in the order in which a server needs it:

    target          parse_target, header_map
    names           split_target, check_bucket_name, check_object_key
    routing         route -> operations.Op (every S3 operation has a name, built or not)
    sigv4_claims    read_claim -> Claim | None (anonymous), PayloadMode
    sigv4           verify(claim, secret, ...) -> Verified; SigningKeys, SigningRules
    chunked         read_framing, ChunkSigner, ChunkedDecoder for the aws-chunked bodies
    checksums       announced_checksum, Checksum, composite and combined checksums, ETags of uploads
    conditions      check_read, check_write, check_copy_source
    delete_conditions  condition_of_headers, DeleteCondition
    ranges          parse_range, parse_copy_range
    headers         stored_headers, object_headers, checksum_headers, response_overrides
    copying         parse_copy_source, replaces_metadata, check_self_copy
    features        refuse_unbuilt, storage_class, check_expected_owner
    listing         parameters and continuation tokens of the five listings
    attributes      GetObjectAttributes: parse_attributes, object_attributes; check_optional_attributes
    xml_in          the three documents clients send
    xml_out         documents that answer buckets, objects and uploads; errors.render_error for the refusals
    xml_listings    documents that answer the listings

MinIO's extensions:

    snowball        archives that become objects; extract_limits, tar_headers, decompression, content_types
    zip_access      members of zip archives as objects; zip_directory, zip_member
    metadata_listing, force_delete

`sigv4_signer` and `chunked_encoder` are the client's half, for tools and tests. `httpdate` and `xmltext` are
small helpers. Nothing here knows sockets, clocks, storage or which operations this node builds.
"""
