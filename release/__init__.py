"""The release tool: brings an image into the idle slot, checks it, and switches."""
