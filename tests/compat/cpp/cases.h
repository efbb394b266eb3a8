// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/compat/cpp/case_context.h"

namespace skylark::compat {

// The cases of tests/compat/cases.txt; each returns when it passed and throws `CheckFailed` when it did not.

void send_sync(CaseContext& context);
void send_async(CaseContext& context);
void send_one_way(CaseContext& context);
void send_batch(CaseContext& context);
void send_big(CaseContext& context);

void push_concurrent(CaseContext& context);
void push_orderly(CaseContext& context);
void rebalance(CaseContext& context);
void broadcast(CaseContext& context);
void tag_filter(CaseContext& context);
void sql_filter(CaseContext& context);

void retry_to_dlq(CaseContext& context);
void delay(CaseContext& context);

void transaction_commit(CaseContext& context);
void transaction_rollback(CaseContext& context);
void transaction_check_back(CaseContext& context);

void pull_seek(CaseContext& context);
void offset_reset_online(CaseContext& context);
void offset_reset_offline(CaseContext& context);

void query_by_id(CaseContext& context);
void query_by_key(CaseContext& context);
void unknown_topic(CaseContext& context);
void unknown_code(CaseContext& context);

}  // namespace skylark::compat
